-- Where a page of the list of accepted copies lies, told by the counters, so that only those days or hours are read.
-- Buckets before the oldest partition are left out: their copies are gone, though their counts stay. The six instants
-- rise; pieces between equal ones are empty.
-- Locks: none.
-- Indexes: ix_daily_counts_day, ix_hourly_counts_hour, pk_closed_hours, ix_messages_account (index-only), the
-- catalogue's own.
--
-- $1 account_ids bigint[]: whose copies
-- $2 sender_ids bigint[]: only copies of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 hours_start timestamp with time zone: where whole hours begin
-- $5 days_start timestamp with time zone: where whole days (UTC) begin
-- $6 days_end timestamp with time zone: where they end
-- $7 hours_end timestamp with time zone: where whole hours end
-- $8 until timestamp with time zone: end of the range, exclusive
-- $9 skipped bigint: rows before the page
-- $10 page_size integer: rows of the page
-- -> from_at timestamp with time zone: start of the bucket in which the page begins; null when it is after the last one
-- -> until_at timestamp with time zone: end of the bucket in which it ends; null when that is after the last one
-- -> before bigint: rows of the range before from_at
WITH oldest AS (
    SELECT min(to_date(right(child.relname, 6), 'YYYYMM'))::timestamp AT TIME ZONE 'UTC' AS month
      FROM pg_inherits
      JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
     WHERE pg_inherits.inhparent = 'messages'::regclass
),
pieces AS (
    SELECT $3::timestamptz AS start, least($4::timestamptz, $8::timestamptz) AS until, count(*) AS copies
      FROM messages
     WHERE account_id = ANY ($1::bigint[])
       AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
    UNION ALL
    SELECT hour, hour + interval '1 hour', sum(accepted)
      FROM counted_hours
     WHERE account_id = ANY ($1::bigint[])
       AND (day >= ($4::timestamptz AT TIME ZONE 'UTC')::date AND day <= ($5::timestamptz AT TIME ZONE 'UTC')::date
            OR day >= ($6::timestamptz AT TIME ZONE 'UTC')::date AND day <= ($7::timestamptz AT TIME ZONE 'UTC')::date)
       AND (hour >= $4::timestamptz AND hour < $5::timestamptz OR hour >= $6::timestamptz AND hour < $7::timestamptz)
       AND hour >= (SELECT month FROM oldest)
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
     GROUP BY hour
    UNION ALL
    SELECT day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', sum(accepted)
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date AND day < ($6::timestamptz AT TIME ZONE 'UTC')::date
       AND day >= ((SELECT month FROM oldest) AT TIME ZONE 'UTC')::date
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
     GROUP BY day
),
running AS (
    SELECT start, until, copies, sum(copies) OVER (ORDER BY start) AS total
      FROM pieces
     WHERE copies > 0
)
SELECT min(start) FILTER (WHERE total > $9::bigint) AS from_at,
       min(until) FILTER (WHERE total >= $9::bigint + $10::integer) AS until_at,
       coalesce(sum(copies) FILTER (WHERE total <= $9::bigint), 0)::bigint AS before
  FROM running
