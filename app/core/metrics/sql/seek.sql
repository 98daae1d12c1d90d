-- Where a page of the list of accepted copies lies, told by the hourly counters, so that only its hours are read.
-- Hours before the oldest partition are left out: their copies are gone, though their counts stay.
-- Locks: none. Indexes: ix_hourly_counts_hour, ix_messages_account (index-only), the catalogue's own.
--
-- $1 account_ids bigint[]: whose copies
-- $2 sender_ids bigint[]: only copies of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 hours_start timestamp with time zone: where whole hours begin
-- $5 hours_end timestamp with time zone: where they end
-- $6 skipped bigint: rows before the page
-- $7 page_size integer: rows of the page
-- -> from_at timestamp with time zone: start of the hour in which the page begins; null when it is after the last whole hour
-- -> until_at timestamp with time zone: end of the hour in which it ends; null when that is after the last whole hour
-- -> before bigint: rows of the range before from_at
WITH oldest AS (
    SELECT min(to_date(right(child.relname, 6), 'YYYYMM'))::timestamp AT TIME ZONE 'UTC' AS month
      FROM pg_inherits
      JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
     WHERE pg_inherits.inhparent = 'messages'::regclass
),
pieces AS (
    SELECT $3::timestamptz AS start, $4::timestamptz AS until, count(*) AS copies
      FROM messages
     WHERE account_id = ANY ($1::bigint[])
       AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
    UNION ALL
    SELECT hour, hour + interval '1 hour', sum(accepted)
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[])
       AND hour >= greatest($4::timestamptz, (SELECT month FROM oldest)) AND hour < $5::timestamptz
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
     GROUP BY hour
),
running AS (
    SELECT start, until, copies, sum(copies) OVER (ORDER BY start) AS total
      FROM pieces
     WHERE copies > 0
)
SELECT min(start) FILTER (WHERE total > $6::bigint) AS from_at,
       min(until) FILTER (WHERE total >= $6::bigint + $7::integer) AS until_at,
       coalesce(sum(copies) FILTER (WHERE total <= $6::bigint), 0)::bigint AS before
  FROM running
