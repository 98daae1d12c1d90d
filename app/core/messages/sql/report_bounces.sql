-- Record failures that were reported after the attempts: the copies, their bounces, what they have in the queue, and the
-- counters of the hours of the reports. A copy that has bounced already is left as it is.
--
-- The arrays are parallel; a copy appears once.
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 bounced_at timestamp with time zone: when they were reported; null = now
-- $4 bounce_types text[]: hard or soft
-- $5 categories text[]: of the bounces
-- $6 codes text[]: enhanced status codes
-- $7 regex_names text[]: rules that decided
-- $8 diagnostics text[]: what the other servers said
-- $9 full_contents text[]: the whole reports
-- -> message_id bigint: a copy whose bounce was recorded
--
-- Locks: the copies' rows, by id; what they have in the queue, unless somebody holds that; then the counters' rows in key
-- order, runs before hours before days. The order is forced: each step reads a count of what the one before it wrote.
-- Index: pk_messages, pk_bounces, pk_delivery_queue.
WITH given AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]
    ) AS given (message_id, accepted_at, bounce_type, category, code, regex_name, diagnostic, full_content)
), copies AS MATERIALIZED (
    SELECT messages.account_id, messages.sender_id, messages.run_id, messages.recipient, messages.x_headers,
        messages.state, given.*, greatest(coalesce($3::timestamptz, clock_timestamp()), given.accepted_at) AS moment
    FROM given
    JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
    WHERE messages.bounced_at IS NULL
    ORDER BY messages.id
    FOR UPDATE OF messages
), ledger AS (
    UPDATE messages SET
        state = 'bounced', bounced_at = copies.moment, finished_at = coalesce(messages.finished_at, copies.moment)
    FROM copies
    WHERE messages.id = copies.message_id AND messages.accepted_at = copies.accepted_at
    RETURNING copies.*
), reports AS (
    INSERT INTO bounces (
        message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code, regex_name, recipient,
        diagnostic, full_content, x_headers
    )
    SELECT message_id, accepted_at, account_id, sender_id, moment, bounce_type, category, code, regex_name, recipient,
        diagnostic, full_content, x_headers
    FROM ledger
    RETURNING 1
), waiting AS (
    SELECT message_id
    FROM delivery_queue
    WHERE message_id IN (SELECT message_id FROM ledger)
    FOR UPDATE SKIP LOCKED
), settled AS (
    DELETE FROM delivery_queue USING waiting WHERE delivery_queue.message_id = waiting.message_id
    RETURNING 1
), runs AS (
    INSERT INTO run_counts AS count (run_id, hard_bounces, soft_bounces, failed, cancelled)
    SELECT run_id, count(*) FILTER (WHERE bounce_type = 'hard'), count(*) FILTER (WHERE bounce_type = 'soft'),
        -count(*) FILTER (WHERE state = 'failed'), -count(*) FILTER (WHERE state = 'cancelled')
    FROM ledger
    CROSS JOIN (SELECT (SELECT count(*) FROM reports) + (SELECT count(*) FROM settled) AS rows) AS after_reports
    WHERE run_id IS NOT NULL
    GROUP BY run_id
    ORDER BY run_id
    ON CONFLICT (run_id) DO UPDATE SET
        hard_bounces = count.hard_bounces + excluded.hard_bounces,
        soft_bounces = count.soft_bounces + excluded.soft_bounces,
        failed = count.failed + excluded.failed, cancelled = count.cancelled + excluded.cancelled
    RETURNING 1
), hours AS (
    INSERT INTO hourly_counts AS count (account_id, sender_id, hour, hard_bounces, soft_bounces)
    SELECT account_id, sender_id, date_trunc('hour', moment, 'UTC'),
        count(*) FILTER (WHERE bounce_type = 'hard'), count(*) FILTER (WHERE bounce_type = 'soft')
    FROM ledger
    CROSS JOIN (SELECT count(*) FROM runs) AS after_runs
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
        hard_bounces = count.hard_bounces + excluded.hard_bounces,
        soft_bounces = count.soft_bounces + excluded.soft_bounces
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (account_id, sender_id, day, hard_bounces, soft_bounces)
    SELECT account_id, sender_id, (moment AT TIME ZONE 'UTC')::date,
        count(*) FILTER (WHERE bounce_type = 'hard'), count(*) FILTER (WHERE bounce_type = 'soft')
    FROM ledger
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
        hard_bounces = count.hard_bounces + excluded.hard_bounces,
        soft_bounces = count.soft_bounces + excluded.soft_bounces
    RETURNING 1
)
SELECT message_id FROM ledger CROSS JOIN (SELECT count(*) FROM days) AS after_days
