-- Accepted copies per sender or per account in a time range: whole days and hours from the counters, the edges counted.
-- The six instants rise; pieces between equal ones are empty.
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
-- $9 by_account boolean: whether a row is an account; else a sender
-- -> key bigint: account or sender
-- -> sender text: address of the sender; null for an account
-- -> copies bigint: more than 0
WITH parts AS (
    SELECT account_id, sender_id, sum(accepted) AS copies
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date
       AND day < ($6::timestamptz AT TIME ZONE 'UTC')::date
     GROUP BY account_id, sender_id
    UNION ALL
    SELECT account_id, sender_id, sum(accepted)
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $4::timestamptz AND hour < $5::timestamptz
     GROUP BY account_id, sender_id
    UNION ALL
    SELECT account_id, sender_id, sum(accepted)
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $6::timestamptz AND hour < $7::timestamptz
     GROUP BY account_id, sender_id
    UNION ALL
    SELECT account_id, sender_id, count(*)
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
     GROUP BY account_id, sender_id
    UNION ALL
    SELECT account_id, sender_id, count(*)
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $7::timestamptz AND accepted_at < $8::timestamptz
     GROUP BY account_id, sender_id
),
rolled AS (
    SELECT CASE WHEN $9::boolean THEN account_id ELSE sender_id END AS key, sum(copies)::bigint AS copies
      FROM parts
     WHERE $2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[])
     GROUP BY 1
    HAVING sum(copies) > 0
)
SELECT rolled.key, senders.email AS sender, rolled.copies
  FROM rolled
  LEFT JOIN senders ON senders.id = rolled.key AND NOT $9::boolean
 ORDER BY rolled.key
