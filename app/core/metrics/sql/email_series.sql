-- Accepted copies per sender or per account and per hour or day of a time range: whole days and hours from the
-- counters, the edges counted. The six instants rise; pieces between equal ones are empty.
-- For a series of hours the caller makes the piece of whole days empty.
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
-- $10 step text: hour or day
-- -> key bigint: account or sender
-- -> bucket timestamp with time zone: start of the hour or day, UTC
-- -> copies bigint: more than 0; buckets without copies have no row
WITH parts AS (
    SELECT account_id, sender_id, day::timestamp AT TIME ZONE 'UTC' AS moment, sum(accepted) AS copies
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date
       AND day < ($6::timestamptz AT TIME ZONE 'UTC')::date
     GROUP BY account_id, sender_id, day
    UNION ALL
    SELECT account_id, sender_id, hour, sum(accepted)
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $4::timestamptz AND hour < $5::timestamptz
     GROUP BY account_id, sender_id, hour
    UNION ALL
    SELECT account_id, sender_id, hour, sum(accepted)
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $6::timestamptz AND hour < $7::timestamptz
     GROUP BY account_id, sender_id, hour
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
       date_trunc($10::text, moment, 'UTC') AS bucket,
       sum(copies)::bigint AS copies
  FROM parts
 WHERE $2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[])
 GROUP BY 1, 2
HAVING sum(copies) > 0
 ORDER BY 1, 2
