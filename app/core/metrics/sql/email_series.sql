-- Accepted copies per sender or per account and per hour or day of a time range, by acceptance: whole
-- days and hours from the counters, the edges counted. The six instants rise; pieces between equal ones are empty.
-- For a series of hours the caller makes the piece of whole days empty. One row per key: a place may come more than
-- once, and then its numbers are to be added, which the caller does faster.
-- Locks: none.
-- Indexes: ix_daily_counts_day, ix_hourly_counts_hour, ix_messages_account (index-only).
--
-- $1 account_ids bigint[]: whose copies
-- $2 sender_ids bigint[]: only copies of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 hours_start timestamp with time zone: where whole hours begin
-- $5 days_start timestamp with time zone: where whole days (UTC) begin
-- $6 days_end timestamp with time zone: where they end
-- $7 hours_end timestamp with time zone: where whole hours end
-- $8 until timestamp with time zone: end of the range, exclusive
-- $9 by_account boolean: whether a key is an account; else a sender
-- $10 first bigint: start of the first bucket, unix seconds
-- $11 width integer: seconds of a bucket
-- -> key bigint: account or sender
-- -> places integer[]: numbers of buckets, from 0
-- -> copies integer[]: as many, each more than 0
WITH parts AS (
    SELECT account_id, sender_id, day::timestamp AT TIME ZONE 'UTC' AS moment,
           accepted AS copies
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date
       AND day < ($6::timestamptz AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT account_id, sender_id, hour,
           accepted
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $4::timestamptz AND hour < $5::timestamptz
    UNION ALL
    SELECT account_id, sender_id, hour,
           accepted
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $6::timestamptz AND hour < $7::timestamptz
    UNION ALL
    SELECT account_id, sender_id, date_trunc('hour', accepted_at, 'UTC') AS moment, count(*)
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
     GROUP BY account_id, sender_id, moment
    UNION ALL
    SELECT account_id, sender_id, date_trunc('hour', accepted_at, 'UTC') AS moment, count(*)
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $7::timestamptz AND accepted_at < $8::timestamptz
     GROUP BY account_id, sender_id, moment
)
SELECT CASE WHEN $9::boolean THEN account_id ELSE sender_id END AS key,
       array_agg(floor((date_part('epoch', moment) - $10::bigint) / $11::integer)::integer) AS places,
       array_agg(copies::integer) AS copies
  FROM parts
 WHERE copies > 0 AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
 GROUP BY 1
 ORDER BY 1
