-- Whom a run has reached and moved: copies that were opened or clicked, by their ids.
--
-- $1 run_id bigint: the run
-- $2 after_id bigint: the last copy that was listed, 0 at first
-- $3 state text: only those in this state, null: all
-- $4 opened boolean: whether it has been opened, null: either
-- $5 clicked boolean: whether a link of it has been clicked, null: either
-- $6 limit bigint: how many at most
-- -> message_id bigint: the copy
-- -> accepted_at timestamptz: its second of acceptance
-- -> seq bigint: null: it is no target any more
-- -> contact_id bigint: the contact
-- -> address text: of the recipient
-- -> state text: of the copy
-- -> opened_at timestamptz: first open
-- -> clicked_at timestamptz: first click
--
-- Locks: none. Index: ix_engagements_run, pk_messages.
SELECT copy.id AS message_id, copy.accepted_at, NULL::bigint AS seq, copy.contact_id, copy.recipient AS address,
    copy.state, engagement.opened_at, engagement.clicked_at
FROM engagements AS engagement
CROSS JOIN LATERAL (
    SELECT id, accepted_at, contact_id, recipient, state
    FROM messages
    WHERE messages.id = engagement.message_id AND messages.accepted_at = engagement.accepted_at
    OFFSET 0
) AS copy
WHERE engagement.run_id = $1::bigint AND engagement.message_id > $2::bigint
  AND ($3::text IS NULL OR copy.state = $3::text)
  AND ($4::boolean IS NULL OR (engagement.opened_at IS NOT NULL) = $4::boolean)
  AND ($5::boolean IS NULL OR (engagement.clicked_at IS NOT NULL) = $5::boolean)
ORDER BY engagement.message_id
LIMIT $6::bigint
