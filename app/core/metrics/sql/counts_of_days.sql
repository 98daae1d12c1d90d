-- What the counters know of whole days, per sender or per account.
-- Locks: none. Index: ix_daily_counts_day.
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the first day, UTC
-- $4 until timestamp with time zone: start of the day after the last one
-- $5 by_account boolean: whether a key is an account; else a sender
-- $6 what text: accepted, bounces, blocked, or blocked for one of complaint, hardbounce, manual, softbounce, unsubscribe
-- -> key bigint: account or sender
-- -> first bigint: copies; of bounces the soft ones
-- -> second bigint: of bounces the hard ones; of blocked copies those because of earlier soft bounces
-- -> third bigint: of blocked copies those because of earlier hard bounces
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key,
       coalesce(sum(CASE $6::text
           WHEN 'accepted' THEN accepted
           WHEN 'bounces' THEN soft_bounces
           WHEN 'complaint' THEN blocked_complaint
           WHEN 'hardbounce' THEN blocked_hardbounce
           WHEN 'manual' THEN blocked_manual
           WHEN 'softbounce' THEN blocked_softbounce
           WHEN 'unsubscribe' THEN blocked_unsubscribe
           WHEN 'blocked' THEN coalesce(blocked_complaint, 0) + coalesce(blocked_hardbounce, 0)
               + coalesce(blocked_manual, 0) + coalesce(blocked_softbounce, 0) + coalesce(blocked_unsubscribe, 0)
           END), 0)::bigint AS first,
       CASE $6::text
           WHEN 'bounces' THEN coalesce(sum(hard_bounces), 0)
           WHEN 'blocked' THEN coalesce(sum(blocked_softbounce), 0)
           WHEN 'softbounce' THEN coalesce(sum(blocked_softbounce), 0) ELSE 0 END::bigint AS second,
       CASE $6::text
           WHEN 'blocked' THEN coalesce(sum(blocked_hardbounce), 0)
           WHEN 'hardbounce' THEN coalesce(sum(blocked_hardbounce), 0) ELSE 0 END::bigint AS third
  FROM daily_counts
 WHERE account_id = ANY ($1::bigint[])
   AND day >= ($3::timestamptz AT TIME ZONE 'UTC')::date AND day < ($4::timestamptz AT TIME ZONE 'UTC')::date
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
 GROUP BY 1
