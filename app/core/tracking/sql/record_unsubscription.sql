-- Record an unsubscription through a copy, with its counters and its domain event, which has the same id.
--
-- $1 message_id bigint: the copy, which is held
-- $2 accepted_at timestamp with time zone: its partition
-- $3 occurred_at timestamp with time zone: when; null = now
-- $4 means text: how
-- $5 ip text: who came, empty unknown
-- $6 user_agent text: with which program, empty unknown
-- -> id bigint: of the unsubscription
--
-- Locks: the counters' rows, run before hour before day. The order is forced: each step reads a count of what the one
-- before it wrote. The event's row is nobody else's.
-- Index: pk_messages.
WITH entry AS (
    INSERT INTO unsubscriptions (
        message_id, accepted_at, id, account_id, sender_id, run_id, contact_id, occurred_at, means, ip, user_agent,
        recipient, x_headers
    )
    SELECT id, accepted_at, nextval('event_ids'), account_id, sender_id, run_id, contact_id,
        coalesce($3::timestamptz, now()), $4::text, $5::text, $6::text, recipient, x_headers
    FROM messages
    WHERE id = $1::bigint AND accepted_at = $2::timestamptz
    RETURNING id, message_id, accepted_at, account_id, sender_id, run_id, contact_id, occurred_at, recipient
), runs AS (
    INSERT INTO run_counts AS count (run_id, unsubscribes)
    SELECT run_id, 1 FROM entry WHERE run_id IS NOT NULL
    ON CONFLICT (run_id) DO UPDATE SET unsubscribes = count.unsubscribes + 1
    RETURNING 1
), hours AS (
    INSERT INTO hourly_counts AS count (account_id, sender_id, hour, unsubscribes)
    SELECT account_id, sender_id, date_trunc('hour', occurred_at, 'UTC'), 1
    FROM entry
    CROSS JOIN (SELECT count(*) FROM runs) AS after_runs
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET unsubscribes = count.unsubscribes + 1
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (account_id, sender_id, day, unsubscribes)
    SELECT account_id, sender_id, (occurred_at AT TIME ZONE 'UTC')::date, 1
    FROM entry
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET unsubscribes = count.unsubscribes + 1
    RETURNING 1
), told AS (
    INSERT INTO domain_events (id, account_id, type, message_id, accepted_at, contact_id, address)
    SELECT id, account_id, 'email.unsubscribed', message_id, accepted_at, contact_id, recipient
    FROM entry
    CROSS JOIN (SELECT count(*) FROM days) AS after_days
    RETURNING id
)
SELECT id FROM told
