-- Record a complaint about a copy, unless there is one, with its counters and its domain event.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- $3 complained_at timestamp with time zone: when; null = now
-- $4 source text: who told
-- $5 full_content text: the whole report, empty without one
-- -> account_id bigint: whose copy; no row without a copy
-- -> kind text: what made it
-- -> recipient text: who complained
-- -> contact_id bigint: who that is, null unknown
-- -> is_new boolean: whether it was recorded
--
-- Locks: the copy's row; then the counters' rows, run before hour before day. The order is forced: each step reads a
-- count of what the one before it wrote. The event's row is nobody else's.
-- Index: pk_messages, pk_complaints.
WITH copy AS MATERIALIZED (
    SELECT id, accepted_at, account_id, sender_id, run_id, contact_id, kind, recipient, x_headers
    FROM messages
    WHERE id = $1::bigint AND accepted_at = $2::timestamptz
    FOR UPDATE
), report AS (
    INSERT INTO complaints (
        message_id, accepted_at, account_id, sender_id, run_id, complained_at, source, full_content, recipient, x_headers
    )
    SELECT id, accepted_at, account_id, sender_id, run_id, coalesce($3::timestamptz, now()), $4::text, $5::text,
        recipient, x_headers
    FROM copy
    ON CONFLICT DO NOTHING
    RETURNING message_id, accepted_at, account_id, sender_id, run_id, recipient, complained_at
), runs AS (
    INSERT INTO run_counts AS count (run_id, complaints)
    SELECT run_id, 1 FROM report WHERE run_id IS NOT NULL
    ON CONFLICT (run_id) DO UPDATE SET complaints = count.complaints + 1
    RETURNING 1
), hours AS (
    INSERT INTO hourly_counts AS count (account_id, sender_id, hour, complaints)
    SELECT account_id, sender_id, date_trunc('hour', complained_at, 'UTC'), 1
    FROM report
    CROSS JOIN (SELECT count(*) FROM runs) AS after_runs
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET complaints = count.complaints + 1
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (account_id, sender_id, day, complaints)
    SELECT account_id, sender_id, (complained_at AT TIME ZONE 'UTC')::date, 1
    FROM report
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET complaints = count.complaints + 1
    RETURNING 1
), told AS (
    INSERT INTO domain_events (account_id, type, message_id, accepted_at, contact_id, address)
    SELECT report.account_id, 'email.complained', report.message_id, report.accepted_at, copy.contact_id,
        report.recipient
    FROM report
    CROSS JOIN copy
    CROSS JOIN (SELECT count(*) FROM days) AS after_days
    RETURNING 1
)
SELECT account_id, kind, recipient, contact_id, (SELECT count(*) FROM told) > 0 AS is_new
FROM copy
