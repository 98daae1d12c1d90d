-- Blocked copies per sender or per account in a time range, by acceptance: whole days and
-- hours from the counters, the edges counted. The six instants rise; pieces between equal ones are empty. A campaign
-- copy whose contact was deleted counts as manual.
-- Locks: none.
-- Indexes: ix_daily_counts_day, ix_hourly_counts_hour, ix_messages_blocked.
--
-- $1 account_ids bigint[]: whose blocked copies
-- $2 sender_ids bigint[]: only blocked copies of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 hours_start timestamp with time zone: where whole hours begin
-- $5 days_start timestamp with time zone: where whole days (UTC) begin
-- $6 days_end timestamp with time zone: where they end
-- $7 hours_end timestamp with time zone: where whole hours end
-- $8 until timestamp with time zone: end of the range, exclusive
-- $9 by_account boolean: whether a row is an account; else a sender
-- $10 reason text: complaint, hardbounce, manual, softbounce or unsubscribe; null = any
-- -> key bigint: account or sender
-- -> sender text: address of the sender; null for an account
-- -> blocked bigint: more than 0
-- -> soft bigint: those because of earlier soft bounces
-- -> hard bigint: those because of earlier hard bounces
WITH parts AS (
    SELECT account_id, sender_id,
           blocked_complaint AS complaint, blocked_hardbounce AS hardbounce, blocked_manual AS manual,
           blocked_softbounce AS softbounce, blocked_unsubscribe AS unsubscribe
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($5::timestamptz AT TIME ZONE 'UTC')::date
       AND day < ($6::timestamptz AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT account_id, sender_id,
           blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $4::timestamptz AND hour < $5::timestamptz
    UNION ALL
    SELECT account_id, sender_id,
           blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $6::timestamptz AND hour < $7::timestamptz
    UNION ALL
    SELECT account_id, sender_id,
           (blocked_reason = 'complaint')::integer, (blocked_reason = 'hardbounce')::integer,
           (blocked_reason IN ('manual', 'deleted'))::integer, (blocked_reason = 'softbounce')::integer,
           (blocked_reason = 'unsubscribe')::integer
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
       AND blocked_reason IS NOT NULL
    UNION ALL
    SELECT account_id, sender_id,
           (blocked_reason = 'complaint')::integer, (blocked_reason = 'hardbounce')::integer,
           (blocked_reason IN ('manual', 'deleted'))::integer, (blocked_reason = 'softbounce')::integer,
           (blocked_reason = 'unsubscribe')::integer
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $7::timestamptz AND accepted_at < $8::timestamptz
       AND blocked_reason IS NOT NULL
),
rolled AS (
    SELECT CASE WHEN $9::boolean THEN account_id ELSE sender_id END AS key,
           sum(CASE $10::text
               WHEN 'complaint' THEN complaint
               WHEN 'hardbounce' THEN hardbounce
               WHEN 'manual' THEN manual
               WHEN 'softbounce' THEN softbounce
               WHEN 'unsubscribe' THEN unsubscribe
               ELSE complaint + hardbounce + manual + softbounce + unsubscribe END) AS blocked,
           sum(CASE WHEN coalesce($10::text, 'softbounce') = 'softbounce' THEN softbounce ELSE 0 END) AS soft,
           sum(CASE WHEN coalesce($10::text, 'hardbounce') = 'hardbounce' THEN hardbounce ELSE 0 END) AS hard
      FROM parts
     WHERE $2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[])
     GROUP BY 1
)
SELECT rolled.key, senders.email AS sender, rolled.blocked, rolled.soft, rolled.hard
  FROM rolled
  LEFT JOIN senders ON senders.id = rolled.key AND NOT $9::boolean
 WHERE rolled.blocked > 0
 ORDER BY rolled.key
