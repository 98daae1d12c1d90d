-- Claim the next targets of a run, which is what makes their copies: ledger, lease, counters and the events of blocked
-- copies in one transaction.
--
-- $1 run_id bigint: the run
-- $2 host text: the claiming data directory
-- $3 incarnation uuid: the claiming process
-- $4 limit bigint: most targets to take
-- $5 lease_seconds double precision: how long the lease is good
-- -> reached bigint: targets taken, the same in every row; no row: the run does not send, is through, or its pace says later
-- -> lease_id bigint: the claim, null when every target was blocked
-- -> message_id bigint: a copy, null in the one row of a chunk that was blocked as a whole, like all that follow
-- -> accepted_at timestamp with time zone: its partition
-- -> accepted_ms smallint: milliseconds of its acceptance
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> size integer: octets of the copy, near enough
-- -> recipient text: envelope recipient
-- -> epoch integer: of the run when it was claimed
-- -> content_version integer: what it says
-- -> contact_id bigint: whom it is for
-- -> fields jsonb: values of the contact; "@" is the audience that supplied it
-- -> test_mode boolean: whether mail of the account never leaves
--
-- Locks: the run, and the account's pace if it has one; then the counters' rows in the order of every other writer, the
-- run's first, hours before days. Index: pk_run_targets, pk_contacts, uq_suppressions_account_id_address.
WITH moment AS MATERIALIZED (
    SELECT clock_timestamp() AS now
), pace AS (
    SELECT account_id, per_hour, next_chunk_at
    FROM account_paces
    WHERE account_id = (SELECT account_id FROM runs WHERE id = $1::bigint)
    FOR UPDATE
), open AS (
    SELECT runs.*,
        -- With a pace at most what it allows in a second; `least` passes over null.
        least(
            $4::bigint, total - next_seq + 1, ceil(runs.per_hour / 3600.0), ceil((SELECT per_hour FROM pace) / 3600.0)
        )::bigint AS take
    FROM runs
    WHERE id = $1::bigint AND state = 'sending' AND next_seq <= total
      AND (per_hour IS NULL OR coalesce(next_chunk_at <= (SELECT now FROM moment), true))
      AND NOT EXISTS (SELECT FROM pace WHERE pace.next_chunk_at > (SELECT now FROM moment))
    FOR UPDATE OF runs
), moved AS (
    UPDATE runs SET
        next_seq = runs.next_seq + open.take,
        next_chunk_at = CASE WHEN open.per_hour IS NOT NULL THEN
            greatest(open.next_chunk_at, now) + make_interval(secs => open.take * 3600.0 / open.per_hour) END
    FROM open, moment
    WHERE runs.id = open.id
), paced AS (
    UPDATE account_paces SET
        next_chunk_at = greatest(pace.next_chunk_at, now) + make_interval(secs => open.take * 3600.0 / pace.per_hour)
    FROM pace, open, moment
    WHERE account_paces.account_id = pace.account_id
), copy AS MATERIALIZED (
    SELECT nextval('message_ids') AS id, now, date_trunc('second', now) AS accepted_at,
        (floor(extract(milliseconds FROM now))::int % 1000)::smallint AS accepted_ms,
        open.id AS run_id, open.account_id, open.sender_id, open.content_version, open.content_size, open.epoch,
        target.contact_id, target.address, contacts.fields || jsonb_build_object('@', target.audience_id) AS fields,
        coalesce(suppressions.reason, CASE
            WHEN contacts.id IS NULL OR contacts.removed_at IS NOT NULL THEN 'deleted'
            WHEN contacts.status = 'subscribed' THEN NULL
            WHEN contacts.status = 'spam-reported' THEN 'complaint'
            WHEN contacts.status = 'blacklisted' THEN 'manual'
            ELSE 'unsubscribe' END) AS reason
    FROM open
    CROSS JOIN moment
    JOIN run_targets AS target
        ON target.run_id = open.id AND target.seq >= open.next_seq AND target.seq < open.next_seq + open.take
    -- OFFSET 0 keeps these look-ups by index: the planner can not know how few targets a chunk has.
    LEFT JOIN LATERAL (
        SELECT id, status, removed_at, fields FROM contacts WHERE contacts.id = target.contact_id OFFSET 0
    ) AS contacts ON true
    LEFT JOIN LATERAL (
        SELECT reason FROM suppressions
        WHERE suppressions.account_id = open.account_id AND suppressions.address = target.address
        OFFSET 0
    ) AS suppressions ON true
), ledger AS (
    INSERT INTO messages (
        id, accepted_at, accepted_ms, account_id, sender_id, kind, recipient, size, run_id, contact_id,
        content_version, fields, state, blocked_reason, finished_at
    )
    SELECT id, accepted_at, accepted_ms, account_id, sender_id, 'campaign', address, content_size, run_id, contact_id,
        content_version, fields,
        CASE WHEN reason IS NULL THEN 'sending' ELSE 'blocked' END,
        reason,
        CASE WHEN reason IS NOT NULL THEN now END
    FROM copy
    RETURNING 1
), lease AS (
    INSERT INTO delivery_leases (
        host, incarnation, claimed_at, lease_until, run_id, epoch, message_ids, accepted_ats, attempts, lanes
    )
    SELECT $2::text, $3::uuid, now, now + make_interval(secs => $5::float8), run_id, epoch,
        array_agg(id ORDER BY id), array_agg(accepted_at ORDER BY id), array_agg(1::smallint), array_agg(2::smallint)
    FROM copy
    WHERE reason IS NULL
    GROUP BY now, run_id, epoch
    RETURNING id
), deltas AS (
    SELECT run_id, account_id, sender_id, date_trunc('hour', now, 'UTC') AS hour,
        count(*)::int AS accepted,
        count(reason)::int AS blocked,
        count(*) FILTER (WHERE reason = 'complaint')::int AS blocked_complaint,
        count(*) FILTER (WHERE reason = 'hardbounce')::int AS blocked_hardbounce,
        count(*) FILTER (WHERE reason IN ('manual', 'deleted'))::int AS blocked_manual,
        count(*) FILTER (WHERE reason = 'softbounce')::int AS blocked_softbounce,
        count(*) FILTER (WHERE reason = 'unsubscribe')::int AS blocked_unsubscribe
    FROM copy
    CROSS JOIN (SELECT count(*) FROM ledger) AS after_ledger
    GROUP BY run_id, account_id, sender_id, hour
), runs_counted AS (
    UPDATE run_counts SET claimed = claimed + deltas.accepted, blocked = run_counts.blocked + deltas.blocked
    FROM deltas
    WHERE run_counts.run_id = deltas.run_id
    RETURNING 1
), hours AS (
    INSERT INTO hourly_counts AS count (
        account_id, sender_id, hour, accepted,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    )
    SELECT account_id, sender_id, hour, accepted,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    FROM deltas
    CROSS JOIN (SELECT count(*) FROM runs_counted) AS after_runs
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
        accepted = count.accepted + excluded.accepted,
        blocked_complaint = count.blocked_complaint + excluded.blocked_complaint,
        blocked_hardbounce = count.blocked_hardbounce + excluded.blocked_hardbounce,
        blocked_manual = count.blocked_manual + excluded.blocked_manual,
        blocked_softbounce = count.blocked_softbounce + excluded.blocked_softbounce,
        blocked_unsubscribe = count.blocked_unsubscribe + excluded.blocked_unsubscribe
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (
        account_id, sender_id, day, accepted,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    )
    SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date, accepted,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    FROM deltas
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
        accepted = count.accepted + excluded.accepted,
        blocked_complaint = count.blocked_complaint + excluded.blocked_complaint,
        blocked_hardbounce = count.blocked_hardbounce + excluded.blocked_hardbounce,
        blocked_manual = count.blocked_manual + excluded.blocked_manual,
        blocked_softbounce = count.blocked_softbounce + excluded.blocked_softbounce,
        blocked_unsubscribe = count.blocked_unsubscribe + excluded.blocked_unsubscribe
    RETURNING 1
), account AS (
    SELECT test_mode, bounce_url_active, told_events FROM accounts WHERE id = (SELECT account_id FROM open)
), told AS (
    INSERT INTO domain_events (account_id, type, message_id, accepted_at, contact_id, audience_id, address)
    SELECT account_id, kind.type, id, accepted_at, contact_id, (fields ->> '@')::bigint, address
    FROM account
    CROSS JOIN (VALUES ('email.accepted'), ('email.blocked')) AS kind (type)
    CROSS JOIN copy
    CROSS JOIN (SELECT count(*) FROM days) AS after_days
    WHERE (kind.type = ANY (account.told_events) AND (kind.type = 'email.accepted' OR reason IS NOT NULL))
        OR (kind.type = 'email.blocked' AND reason IN ('hardbounce', 'softbounce') AND account.bounce_url_active)
    RETURNING 1
)
SELECT open.take AS reached, lease.id AS lease_id, copy.id AS message_id, copy.accepted_at, copy.accepted_ms,
    copy.account_id, copy.sender_id, copy.content_size AS size, copy.address AS recipient, copy.epoch,
    copy.content_version, copy.contact_id, copy.fields, (SELECT test_mode FROM account) AS test_mode
FROM open
CROSS JOIN (SELECT count(*) FROM told) AS after_events
LEFT JOIN lease ON true
LEFT JOIN copy ON copy.reason IS NULL
ORDER BY copy.id
