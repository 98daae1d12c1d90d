-- Copies per account that count against the monthly quota: accepted ones without the blocked
-- (docs/contract/dyn-email.md, 18).
-- Locks: none. Index: ix_daily_counts_day (account_id, day).
--
-- $1 account_ids bigint[]: the accounts asked about
-- $2 first_day date: first day of the month, UTC
-- $3 next_first_day date: first day of the next month, UTC
-- -> account_id bigint: one row per account that has counts
-- -> sent bigint: copies
SELECT account_id,
       sum(accepted - blocked_complaint - blocked_hardbounce - blocked_manual - blocked_softbounce - blocked_unsubscribe)::bigint
           AS sent
  FROM daily_counts
 WHERE account_id = ANY ($1::bigint[])
   AND day >= $2::date
   AND day < $3::date
 GROUP BY account_id
