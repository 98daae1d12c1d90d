-- Days of which `packed_counts` says something else than the closed hours it is made of, by measure and sender. What is
-- zero throughout stands in neither of the two. Octets that a row has too many or too few are those of its last day.
--
-- $1 since timestamp with time zone: start of a day; only days from then on
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> bucket text: packed_counts
-- -> account_id bigint: whose
-- -> sender_id bigint: whose
-- -> start timestamp with time zone: of the day
-- -> metric text: the column of closed_hours
-- -> counted bytea: of the closed hours: 24 numbers and their sum, four octets each, highest first
-- -> stored bytea: what is packed, in the same form
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: none; both tables are read as a whole, and sorted.
WITH closed AS (
    SELECT measure, account_id, sender_id, day,
        int4send(numbers[1]) || int4send(numbers[2]) || int4send(numbers[3]) || int4send(numbers[4])
            || int4send(numbers[5]) || int4send(numbers[6]) || int4send(numbers[7]) || int4send(numbers[8])
            || int4send(numbers[9]) || int4send(numbers[10]) || int4send(numbers[11]) || int4send(numbers[12])
            || int4send(numbers[13]) || int4send(numbers[14]) || int4send(numbers[15]) || int4send(numbers[16])
            || int4send(numbers[17]) || int4send(numbers[18]) || int4send(numbers[19]) || int4send(numbers[20])
            || int4send(numbers[21]) || int4send(numbers[22]) || int4send(numbers[23]) || int4send(numbers[24])
            || int4send(
                numbers[1] + numbers[2] + numbers[3] + numbers[4] + numbers[5] + numbers[6]
                + numbers[7] + numbers[8] + numbers[9] + numbers[10] + numbers[11] + numbers[12]
                + numbers[13] + numbers[14] + numbers[15] + numbers[16] + numbers[17] + numbers[18]
                + numbers[19] + numbers[20] + numbers[21] + numbers[22] + numbers[23] + numbers[24]
            ) AS octets
    FROM closed_hours
    CROSS JOIN LATERAL (VALUES
        ('accepted', accepted), ('hard_bounces', hard_bounces), ('soft_bounces', soft_bounces), ('blocked', blocked),
        ('blocked_complaint', blocked_complaint), ('blocked_hardbounce', blocked_hardbounce),
        ('blocked_manual', blocked_manual), ('blocked_softbounce', blocked_softbounce),
        ('blocked_unsubscribe', blocked_unsubscribe)
    ) AS measured (measure, numbers)
    WHERE numbers IS NOT NULL AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
      AND ($2::bigint IS NULL OR account_id = $2::bigint)
), packed AS (
    SELECT measure, account_id, sender_id, DATE '1970-01-01' + (span * 8 + number) AS day,
        substring(hours FROM number * 96 + 1 FOR CASE number WHEN 7 THEN length(hours) ELSE 96 END)
            || substring(days FROM number * 4 + 1 FOR CASE number WHEN 7 THEN length(days) ELSE 4 END) AS octets
    FROM packed_counts
    CROSS JOIN generate_series(0, 7) AS number
    WHERE span >= (($1::timestamptz AT TIME ZONE 'UTC')::date - DATE '1970-01-01') / 8
      AND ($2::bigint IS NULL OR account_id = $2::bigint)
)
SELECT 'packed_counts' AS bucket, account_id, sender_id, day::timestamp AT TIME ZONE 'UTC' AS start, measure AS metric,
    coalesce(closed.octets, zeros) AS counted, coalesce(packed.octets, zeros) AS stored, count(*) OVER () AS found
FROM closed FULL JOIN packed USING (measure, account_id, sender_id, day)
CROSS JOIN (SELECT decode(repeat('00', 100), 'hex') AS zeros) AS nothing
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
  AND coalesce(closed.octets, zeros) <> coalesce(packed.octets, zeros)
ORDER BY account_id, sender_id, day, measure
LIMIT $3::int
