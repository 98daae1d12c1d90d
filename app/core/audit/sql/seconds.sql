-- Closed hours of which `closed_seconds` has another number of seconds, by measure and sender, or has them out of order.
-- What is zero stands in neither of the two. Nobody uses the seconds of an account's hour while something that came late
-- waits to be added to it, and they are not compared.
--
-- $1 since timestamp with time zone: start of a day; only hours from then on
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> bucket text: closed_seconds
-- -> account_id bigint: whose
-- -> sender_id bigint: whose
-- -> start timestamp with time zone: of the hour
-- -> metric text: the column of closed_hours
-- -> counted text: the number of the closed hour
-- -> stored text: how many seconds there are, and whether they are out of order: not rising, or not of an hour
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: none; both tables are read as a whole, and hashed.
WITH closed AS (
    SELECT measure, account_id, sender_id,
        day::timestamp AT TIME ZONE 'UTC' + make_interval(hours => place::int - 1) AS hour, number
    FROM closed_hours
    CROSS JOIN LATERAL (VALUES
        ('accepted', accepted), ('hard_bounces', hard_bounces), ('soft_bounces', soft_bounces), ('blocked', blocked),
        ('blocked_complaint', blocked_complaint), ('blocked_hardbounce', blocked_hardbounce),
        ('blocked_manual', blocked_manual), ('blocked_softbounce', blocked_softbounce),
        ('blocked_unsubscribe', blocked_unsubscribe)
    ) AS measured (measure, numbers)
    CROSS JOIN LATERAL unnest(numbers) WITH ORDINALITY AS one (number, place)
    WHERE number <> 0 AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
      AND ($2::bigint IS NULL OR account_id = $2::bigint)
), known AS (
    SELECT measure, account_id, sender_id, hour, cardinality(seconds) AS number,
        NOT EXISTS (
            SELECT FROM unnest(seconds, seconds[2:]) AS pair (one, next)
            WHERE (one BETWEEN 0 AND coalesce(next, 3599)) IS NOT TRUE  -- also where one is null
        ) AS rising
    FROM closed_seconds
    WHERE hour >= $1::timestamptz AND ($2::bigint IS NULL OR account_id = $2::bigint)
)
SELECT 'closed_seconds' AS bucket, account_id, sender_id, hour AS start, measure AS metric,
    coalesce(closed.number, 0)::text AS counted,
    coalesce(known.number, 0) || CASE WHEN NOT rising THEN ' out of order' ELSE '' END AS stored,
    count(*) OVER () AS found
FROM closed FULL JOIN known USING (measure, account_id, sender_id, hour)
WHERE (coalesce(closed.number, 0) <> coalesce(known.number, 0) OR NOT rising)
  AND NOT EXISTS (
    SELECT FROM hourly_counts AS late
    WHERE late.account_id = coalesce(closed.account_id, known.account_id)
      AND late.hour = coalesce(closed.hour, known.hour)
)
ORDER BY account_id, sender_id, hour, measure
LIMIT $3::int
