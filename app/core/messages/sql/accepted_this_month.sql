-- Copies that count against the monthly quota: accepted and not blocked, of an account and everything below it.
--
-- $1 account_id bigint: a master, or an account by itself
-- $2 month date: first day of the calendar month, UTC
-- -> copies bigint: how many
--
-- Locks: none. Index: ix_daily_counts_day.
SELECT coalesce(sum(
    accepted - blocked_complaint - blocked_hardbounce - blocked_manual - blocked_softbounce - blocked_unsubscribe
), 0)::bigint AS copies
FROM daily_counts
WHERE account_id IN (SELECT id FROM accounts WHERE id = $1::bigint OR parent_id = $1::bigint)
  AND day >= $2::date AND day < $2::date + interval '1 month'
