-- Bounces per sender or per account in a time range, by the second they were recorded: whole
-- days and hours from the counters, the edges counted. The six instants rise; pieces between equal ones are empty.
-- A bounce lies in the partition of its copy, which was accepted before.
-- Locks: none.
-- Indexes: ix_daily_counts_day, ix_hourly_counts_hour, ix_bounces_account.
--
-- $1 account_ids bigint[]: whose bounces
-- $2 sender_ids bigint[]: only bounces of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 hours_start timestamp with time zone: where whole hours begin
-- $5 days_start timestamp with time zone: where whole days (UTC) begin
-- $6 days_end timestamp with time zone: where they end
-- $7 hours_end timestamp with time zone: where whole hours end
-- $8 until timestamp with time zone: end of the range, exclusive
-- $9 by_account boolean: whether a row is an account; else a sender
-- $10 bounce_type text: hard or soft; null = both
-- -> key bigint: account or sender
-- -> sender text: address of the sender; null for an account
-- -> soft bigint: 0 when only hard ones are meant
-- -> hard bigint: 0 when only soft ones are meant; not both are 0
WITH parts AS (
    SELECT account_id, sender_id, soft_bounces AS soft, hard_bounces AS hard
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date
       AND day < ($6::timestamptz AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT account_id, sender_id, soft_bounces, hard_bounces
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $4::timestamptz AND hour < $5::timestamptz
    UNION ALL
    SELECT account_id, sender_id, soft_bounces, hard_bounces
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $6::timestamptz AND hour < $7::timestamptz
    UNION ALL
    SELECT account_id, sender_id, (bounce_type = 'soft')::integer, (bounce_type = 'hard')::integer
      FROM bounces
     WHERE account_id = ANY ($1::bigint[]) AND bounced_at >= $3::timestamptz AND bounced_at < $4::timestamptz
       AND accepted_at < $4::timestamptz
    UNION ALL
    SELECT account_id, sender_id, (bounce_type = 'soft')::integer, (bounce_type = 'hard')::integer
      FROM bounces
     WHERE account_id = ANY ($1::bigint[]) AND bounced_at >= $7::timestamptz AND bounced_at < $8::timestamptz
       AND accepted_at < $8::timestamptz
),
rolled AS (
    SELECT CASE WHEN $9::boolean THEN account_id ELSE sender_id END AS key,
           sum(CASE WHEN $10::text = 'hard' THEN 0 ELSE soft END) AS soft,
           sum(CASE WHEN $10::text = 'soft' THEN 0 ELSE hard END) AS hard
      FROM parts
     WHERE $2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[])
     GROUP BY 1
)
SELECT rolled.key, senders.email AS sender, rolled.soft, rolled.hard
  FROM rolled
  LEFT JOIN senders ON senders.id = rolled.key AND NOT $9::boolean
 WHERE rolled.soft + rolled.hard > 0
 ORDER BY rolled.key
