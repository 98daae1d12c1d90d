-- Record a failure that was reported after the attempt: the copy, its bounce, what it has in the queue, and the counters
-- of the hour of the report. A copy that has bounced already is left as it is.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- $3 bounced_at timestamp with time zone: when it was reported; null = now
-- $4 bounce_type text: hard or soft
-- $5 category text: of the bounce
-- $6 code text: enhanced status code
-- $7 regex_name text: rule that decided
-- $8 diagnostic text: what the other server said
-- $9 full_content text: the whole report
-- -> bounces bigint: 1 when it was recorded, 0 otherwise
--
-- Locks: the copy's row; what it has in the queue, unless somebody holds that; its counters, the run's before the
-- hour's before the day's. The order is forced: each step reads a count of what the one before it wrote.
-- Index: pk_messages, pk_bounces, pk_delivery_queue.
WITH copy AS (
    SELECT id, accepted_at, account_id, sender_id, run_id, recipient, x_headers, state,
        greatest(coalesce($3::timestamptz, clock_timestamp()), accepted_at) AS moment
    FROM messages
    WHERE id = $1::bigint AND accepted_at = $2::timestamptz AND bounced_at IS NULL
    FOR UPDATE
), ledger AS (
    UPDATE messages SET
        state = 'bounced', bounced_at = copy.moment, finished_at = coalesce(messages.finished_at, copy.moment)
    FROM copy
    WHERE messages.id = copy.id AND messages.accepted_at = copy.accepted_at
    RETURNING copy.*
), reports AS (
    INSERT INTO bounces (
        message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code, regex_name, recipient,
        diagnostic, full_content, x_headers
    )
    SELECT id, accepted_at, account_id, sender_id, moment, $4::text, $5::text, $6::text, $7::text, recipient, $8::text,
        $9::text, x_headers
    FROM ledger
    RETURNING 1
), waiting AS (
    SELECT message_id
    FROM delivery_queue
    WHERE message_id = (SELECT id FROM ledger)
    FOR UPDATE SKIP LOCKED
), settled AS (
    DELETE FROM delivery_queue USING waiting WHERE delivery_queue.message_id = waiting.message_id
    RETURNING 1
), runs AS (
    UPDATE run_counts SET
        hard_bounces = hard_bounces + ($4::text = 'hard')::int,
        soft_bounces = soft_bounces + ($4::text = 'soft')::int,
        failed = failed - (ledger.state = 'failed')::int,
        cancelled = cancelled - (ledger.state = 'cancelled')::int
    FROM ledger, (SELECT (SELECT count(*) FROM reports) + (SELECT count(*) FROM settled) AS rows) AS after_reports
    WHERE run_counts.run_id = ledger.run_id
    RETURNING 1
), hours AS (
    INSERT INTO hourly_counts AS count (account_id, sender_id, hour, hard_bounces, soft_bounces)
    SELECT account_id, sender_id, date_trunc('hour', moment, 'UTC'), ($4::text = 'hard')::int, ($4::text = 'soft')::int
    FROM ledger
    CROSS JOIN (SELECT count(*) FROM runs) AS after_runs
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
        hard_bounces = count.hard_bounces + excluded.hard_bounces,
        soft_bounces = count.soft_bounces + excluded.soft_bounces
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (account_id, sender_id, day, hard_bounces, soft_bounces)
    SELECT account_id, sender_id, (moment AT TIME ZONE 'UTC')::date, ($4::text = 'hard')::int, ($4::text = 'soft')::int
    FROM ledger
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
        hard_bounces = count.hard_bounces + excluded.hard_bounces,
        soft_bounces = count.soft_bounces + excluded.soft_bounces
    RETURNING 1
)
SELECT count(*) AS bounces FROM days
