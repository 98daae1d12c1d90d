-- Whom a run is for: the copies it has made by their ids, then the targets nobody has claimed. Copies are made in the
-- order of the targets, so this is one order; what was listed as a target and has become a copy since is passed over.
--
-- $1 run_id bigint: the run
-- $2 after_id bigint: the last copy that was listed, 0 at first
-- $3 after_seq bigint: the last target that was listed, 0 before any
-- $4 state text: only those in this state, null: all; a target is queued
-- $5 opened boolean: whether it has been opened, null: either
-- $6 clicked boolean: whether a link of it has been clicked, null: either
-- $7 limit bigint: how many at most
-- -> message_id bigint: the copy, null for a target
-- -> accepted_at timestamptz: its second of acceptance, null for a target
-- -> seq bigint: the target, null for a copy
-- -> contact_id bigint: the contact
-- -> address text: of the recipient
-- -> state text: of the copy; queued for a target
-- -> opened_at timestamptz: first open
-- -> clicked_at timestamptz: first click
--
-- Locks: none. Index: ix_messages_run, pk_engagements, pk_delivery_queue, pk_run_targets, uq_run_targets_run_id_contact_id.
WITH run AS MATERIALIZED (
    SELECT id, next_seq, state, coalesce(date_trunc('second', started_at), 'infinity'::timestamptz) AS since
    FROM runs
    WHERE id = $1::bigint
), copies AS MATERIALIZED (
    SELECT copy.id, copy.accepted_at, copy.contact_id, copy.recipient, stands.state,
        engagement.opened_at, engagement.clicked_at
    FROM messages AS copy
    CROSS JOIN LATERAL (
        -- What was given back before its first attempt stays `sending` in the ledger, and waits.
        SELECT CASE WHEN copy.state = 'sending'
                     AND EXISTS (SELECT FROM delivery_queue WHERE delivery_queue.message_id = copy.id OFFSET 0)
                    THEN 'queued' ELSE copy.state END AS state
    ) AS stands
    -- OFFSET 0 keeps this a look-up by key: a page has few rows, whatever the planner thinks.
    LEFT JOIN LATERAL (
        SELECT opened_at, clicked_at
        FROM engagements
        WHERE engagements.message_id = copy.id AND engagements.accepted_at = copy.accepted_at
        OFFSET 0
    ) AS engagement ON true
    WHERE copy.run_id = $1::bigint AND copy.id > $2::bigint AND copy.accepted_at >= (SELECT since FROM run)
      -- The planner knows how frequent a state of the ledger is.
      AND ($4::text IS NULL
           OR CASE WHEN $4::text IN ('queued', 'sending') THEN stands.state ELSE copy.state END = $4::text)
      AND ($5::boolean IS NULL OR (engagement.opened_at IS NOT NULL) = $5::boolean)
      AND ($6::boolean IS NULL OR (engagement.clicked_at IS NOT NULL) = $6::boolean)
      AND ($3::bigint = 0 OR NOT EXISTS (
          SELECT FROM run_targets AS target
          WHERE target.run_id = $1::bigint AND target.contact_id = copy.contact_id AND target.seq <= $3::bigint
      ))
    ORDER BY copy.id
    LIMIT $7::bigint
), targets AS MATERIALIZED (
    SELECT target.seq, target.contact_id, target.address
    FROM run_targets AS target
    WHERE target.run_id = $1::bigint AND target.seq >= (SELECT next_seq FROM run) AND target.seq > $3::bigint
      AND (SELECT state FROM run) IN ('queued', 'sending', 'paused', 'failed')
      AND coalesce($4::text, 'queued') = 'queued'
      AND NOT coalesce($5::boolean, false) AND NOT coalesce($6::boolean, false)
    ORDER BY target.seq
    LIMIT $7::bigint - (SELECT count(*) FROM copies)
)
SELECT id AS message_id, accepted_at, NULL::bigint AS seq, contact_id, recipient AS address, state, opened_at, clicked_at
FROM copies
UNION ALL
SELECT NULL, NULL, seq, contact_id, address, 'queued', NULL, NULL
FROM targets
ORDER BY seq NULLS FIRST, message_id
