-- Days of which `packed_hours` says something else than the closed hours it is made of, by measure and sender. Octets that
-- a row has too many or too few are those of its last measure.
--
-- $1 since timestamp with time zone: start of a day; only days from then on
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> bucket text: packed_hours
-- -> account_id bigint: whose
-- -> sender_id bigint: whose
-- -> start timestamp with time zone: of the day
-- -> metric text: the column of closed_hours
-- -> counted bytea: of the closed hours: 24 numbers of four octets each, highest first
-- -> stored bytea: what is packed, in the same form
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: none; both tables are read as a whole, and hashed.
WITH closed AS (
    SELECT * FROM closed_hours
    WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND ($2::bigint IS NULL OR account_id = $2::bigint)
), packed AS (
    SELECT day, account_id, sender_id, hours FROM packed_hours
    WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND ($2::bigint IS NULL OR account_id = $2::bigint)
), pairs AS (
    SELECT account_id, sender_id, day, measured.measure,
        coalesce(
            int4send(numbers[1]) || int4send(numbers[2]) || int4send(numbers[3]) || int4send(numbers[4])
                || int4send(numbers[5]) || int4send(numbers[6]) || int4send(numbers[7]) || int4send(numbers[8])
                || int4send(numbers[9]) || int4send(numbers[10]) || int4send(numbers[11]) || int4send(numbers[12])
                || int4send(numbers[13]) || int4send(numbers[14]) || int4send(numbers[15]) || int4send(numbers[16])
                || int4send(numbers[17]) || int4send(numbers[18]) || int4send(numbers[19]) || int4send(numbers[20])
                || int4send(numbers[21]) || int4send(numbers[22]) || int4send(numbers[23]) || int4send(numbers[24]),
            zeros
        ) AS counted,
        coalesce(
            substring(hours FROM place * 96 + 1 FOR CASE place WHEN 8 THEN length(hours) ELSE 96 END), zeros
        ) AS stored
    FROM closed FULL JOIN packed USING (day, account_id, sender_id)
    CROSS JOIN LATERAL (VALUES
        (0, 'accepted', accepted), (1, 'hard_bounces', hard_bounces), (2, 'soft_bounces', soft_bounces),
        (3, 'blocked', blocked), (4, 'blocked_complaint', blocked_complaint),
        (5, 'blocked_hardbounce', blocked_hardbounce), (6, 'blocked_manual', blocked_manual),
        (7, 'blocked_softbounce', blocked_softbounce), (8, 'blocked_unsubscribe', blocked_unsubscribe)
    ) AS measured (place, measure, numbers)
    CROSS JOIN (SELECT decode(repeat('00', 96), 'hex') AS zeros) AS nothing
)
SELECT 'packed_hours' AS bucket, account_id, sender_id, day::timestamp AT TIME ZONE 'UTC' AS start, measure AS metric,
    counted, stored, count(*) OVER () AS found
FROM pairs
WHERE counted <> stored
ORDER BY account_id, sender_id, day, measure
LIMIT $3::int
