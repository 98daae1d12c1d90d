-- Days of which `packed_days` says something else than `packed_counts`, of which it is made, by measure and sender. What is
-- zero throughout stands in neither of the two. Octets that a row has too many or too few are those of its last day.
--
-- $1 since timestamp with time zone: start of a day; only days from then on
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> bucket text: packed_days
-- -> account_id bigint: whose
-- -> sender_id bigint: whose
-- -> start timestamp with time zone: of the day
-- -> metric text: the column of closed_hours
-- -> counted bytea: of packed_counts: a number of four octets, highest first
-- -> stored bytea: of packed_days, in the same form
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: none; both tables are read as a whole, and hashed.
WITH eight AS (
    SELECT measure, account_id, sender_id, span, days
    FROM packed_counts
    WHERE span >= (($1::timestamptz AT TIME ZONE 'UTC')::date - DATE '1970-01-01') / 8
      AND ($2::bigint IS NULL OR account_id = $2::bigint)
), quarter AS (
    SELECT measure, account_id, sender_id, span * 4 + number AS span,
        substring(days FROM number * 32 + 1 FOR CASE number WHEN 3 THEN length(days) ELSE 32 END) AS days
    FROM packed_days
    CROSS JOIN generate_series(0, 3) AS number
    WHERE span * 4 + number >= (($1::timestamptz AT TIME ZONE 'UTC')::date - DATE '1970-01-01') / 8
      AND ($2::bigint IS NULL OR account_id = $2::bigint)
), differing AS (
    SELECT measure, account_id, sender_id, DATE '1970-01-01' + (span * 8 + number) AS day,
        substring(counted FROM number * 4 + 1 FOR CASE number WHEN 7 THEN length(counted) ELSE 4 END) AS counted,
        substring(stored FROM number * 4 + 1 FOR CASE number WHEN 7 THEN length(stored) ELSE 4 END) AS stored
    FROM (
        SELECT measure, account_id, sender_id, span,
            coalesce(eight.days, zeros) AS counted, coalesce(quarter.days, zeros) AS stored
        FROM eight FULL JOIN quarter USING (measure, account_id, sender_id, span)
        CROSS JOIN (SELECT decode(repeat('00', 32), 'hex') AS zeros) AS nothing
        WHERE coalesce(eight.days, zeros) <> coalesce(quarter.days, zeros)
    ) AS spans
    CROSS JOIN generate_series(0, 7) AS number
)
SELECT 'packed_days' AS bucket, account_id, sender_id, day::timestamp AT TIME ZONE 'UTC' AS start, measure AS metric,
    counted, stored, count(*) OVER () AS found
FROM differing
WHERE counted <> stored AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
ORDER BY account_id, sender_id, day, measure
LIMIT $3::int
