-- Accepted copies by day, told by the counters.
-- Locks: none. Index: ix_daily_counts_day.
--
-- $1 account_ids bigint[]: whose copies
-- $2 sender_ids bigint[]: only copies of these senders; null = of all
-- $3 start timestamp with time zone: start of the range
-- $4 until timestamp with time zone: end of the range, exclusive; days that it cuts are counted as a whole
-- -> start timestamp with time zone: of the day, UTC
-- -> copies bigint: more than 0
SELECT day::timestamp AT TIME ZONE 'UTC' AS start, sum(accepted) AS copies
  FROM daily_counts
 WHERE account_id = ANY ($1::bigint[])
   AND day >= ($3::timestamptz AT TIME ZONE 'UTC')::date AND day <= ($4::timestamptz AT TIME ZONE 'UTC')::date
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
 GROUP BY day
HAVING sum(accepted) > 0
 ORDER BY day
