-- Counters of hours and days that are not what a recount of the ledger gives. That days are the sum of their hours
-- follows, as both are compared with one recount.
--
-- Each event counts in the hour of its own time: acceptance (also of a blocked copy), delivery, a bounce, an attempt
-- that was put off (unless the copy was finished before, or by it), an open, a click, a complaint, an unsubscription.
-- First opens and first clicks are what the rows of copies and links say; the first is the first that was recorded.
--
-- $1 since timestamp with time zone: start of a day; only buckets from then on
-- $2 accepted_from timestamp with time zone: only copies accepted from then on
-- $3 account_id bigint: only of this account; null = of all
-- $4 limit integer: most rows
-- -> bucket text: hourly_counts (with the closed ones) or daily_counts
-- -> account_id bigint: of the counter
-- -> sender_id bigint: of the counter
-- -> start timestamp with time zone: of the hour or day
-- -> metric text: the column
-- -> counted bigint: by the recount
-- -> stored bigint: in the column, 0 without a row
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: none; the ledger and its companions since then are read as a whole.
WITH events AS (
    SELECT account_id, sender_id, event.metric, event.at
    FROM messages
    CROSS JOIN LATERAL (VALUES
        ('accepted', accepted_at), ('delivered', delivered_at),
        ('blocked_' || CASE blocked_reason WHEN 'deleted' THEN 'manual' ELSE blocked_reason END,
            CASE WHEN blocked_reason IS NOT NULL THEN accepted_at END)
    ) AS event (metric, at)
    WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT account_id, sender_id, bounce_type || '_bounces', bounced_at
    FROM bounces
    WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT messages.account_id, messages.sender_id, 'deferred', attempts.attempted_at
    FROM attempts
    JOIN messages ON messages.id = attempts.message_id AND messages.accepted_at = attempts.accepted_at
    WHERE attempts.accepted_at >= $2::timestamptz AND messages.accepted_at >= $2::timestamptz
      AND attempts.outcome = 'deferred'
      AND (messages.finished_at IS NULL OR attempts.attempted_at < messages.finished_at
        OR messages.state = 'cancelled')
    UNION ALL
    SELECT account_id, sender_id, 'opens', occurred_at FROM opens WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT account_id, sender_id, 'unique_opens', opened_at FROM engagements WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT account_id, sender_id, 'clicks', occurred_at FROM clicks WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT account_id, sender_id, 'unique_clicks', clicked_at FROM link_clicks WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT account_id, sender_id, 'complaints', complained_at FROM complaints WHERE accepted_at >= $2::timestamptz
    UNION ALL
    SELECT account_id, sender_id, 'unsubscribes', occurred_at FROM unsubscriptions WHERE accepted_at >= $2::timestamptz
), hours AS MATERIALIZED (
    SELECT account_id, sender_id, metric, date_bin('1 hour', at, TIMESTAMPTZ '2000-01-01 00:00:00+00') AS start,
        count(*) AS counted
    FROM events
    WHERE at >= $1::timestamptz AND ($3::bigint IS NULL OR account_id = $3::bigint)
    GROUP BY 1, 2, 3, 4
), counted AS (
    SELECT 'hourly_counts' AS bucket, account_id, sender_id, start, metric, counted FROM hours
    UNION ALL
    SELECT 'daily_counts', account_id, sender_id, date_bin('1 day', start, TIMESTAMPTZ '2000-01-01 00:00:00+00'),
        metric, sum(counted)::bigint
    FROM hours
    GROUP BY 2, 3, 4, 5
), kept AS (
    SELECT 'hourly_counts' AS bucket, account_id, sender_id, hour AS start,
        accepted, delivered, deferred, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe,
        opens, unique_opens, clicks, unique_clicks, complaints, unsubscribes
    FROM counted_hours
    WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT 'daily_counts', account_id, sender_id, day::timestamp AT TIME ZONE 'UTC',
        accepted, delivered, deferred, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe,
        opens, unique_opens, clicks, unique_clicks, complaints, unsubscribes
    FROM daily_counts
    WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
), stored AS (
    SELECT bucket, account_id, sender_id, start, column_.metric, sum(column_.stored)::bigint AS stored
    FROM kept
    CROSS JOIN LATERAL (VALUES
        ('accepted', accepted), ('delivered', delivered), ('deferred', deferred), ('hard_bounces', hard_bounces),
        ('soft_bounces', soft_bounces), ('blocked_complaint', blocked_complaint),
        ('blocked_hardbounce', blocked_hardbounce), ('blocked_manual', blocked_manual),
        ('blocked_softbounce', blocked_softbounce), ('blocked_unsubscribe', blocked_unsubscribe),
        ('opens', opens), ('unique_opens', unique_opens), ('clicks', clicks), ('unique_clicks', unique_clicks),
        ('complaints', complaints), ('unsubscribes', unsubscribes)
    ) AS column_ (metric, stored)
    WHERE column_.stored <> 0 AND ($3::bigint IS NULL OR account_id = $3::bigint)
    GROUP BY 1, 2, 3, 4, 5  -- an hour may stand in two places
)
SELECT bucket, account_id, sender_id, start, metric,
    coalesce(counted, 0) AS counted, coalesce(stored, 0)::bigint AS stored, count(*) OVER () AS found
FROM counted FULL JOIN stored USING (bucket, account_id, sender_id, start, metric)
WHERE coalesce(counted, 0) <> coalesce(stored, 0)
ORDER BY bucket, account_id, sender_id, start, metric
LIMIT $4::int
