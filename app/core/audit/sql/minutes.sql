-- Closed hours that are not the sum of their minutes, of each sender of an account that has minutes of that hour. Those
-- are out of date, and nobody uses them, while something that came late waits to be added to an hour of the account.
--
-- $1 since timestamp with time zone: start of a day; only hours from then on
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> bucket text: closed_minutes
-- -> account_id bigint: whose
-- -> sender_id bigint: whose
-- -> start timestamp with time zone: of the hour
-- -> metric text: accepted
-- -> counted bigint: in the closed hour
-- -> stored bigint: in its minutes, 0 without a row
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: pk_closed_hours, ix_hourly_counts_hour; the minutes are read as a whole.
WITH stored AS (
    SELECT account_id, sender_id, hour, (SELECT sum(number) FROM unnest(accepted) AS number)::bigint AS stored
    FROM closed_minutes
    WHERE hour >= $1::timestamptz AND ($2::bigint IS NULL OR account_id = $2::bigint)
      AND NOT EXISTS (
        SELECT FROM hourly_counts AS late
        WHERE late.account_id = closed_minutes.account_id AND late.hour = closed_minutes.hour
    )
), counted AS (
    SELECT account_id, sender_id, hour, accepted[extract(hour FROM hour AT TIME ZONE 'UTC')::int + 1]::bigint AS counted
    FROM (SELECT DISTINCT account_id, hour FROM stored) AS busy
    JOIN closed_hours USING (account_id)
    WHERE closed_hours.day = (busy.hour AT TIME ZONE 'UTC')::date
)
SELECT 'closed_minutes' AS bucket, account_id, sender_id, hour AS start, 'accepted' AS metric,
    coalesce(counted, 0)::bigint AS counted, coalesce(stored, 0)::bigint AS stored, count(*) OVER () AS found
FROM counted FULL JOIN stored USING (account_id, sender_id, hour)
WHERE coalesce(counted, 0) <> coalesce(stored, 0)
ORDER BY account_id, sender_id, hour
LIMIT $3::int
