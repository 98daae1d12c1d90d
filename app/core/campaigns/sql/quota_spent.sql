-- Whether a monthly limit that holds for an account is used up: its own, or its master's, which covers its sub-accounts
-- (docs/contract/dyn-email.md, 18).
-- Locks: none. Index: ix_daily_counts_day.
--
-- $1 account_id bigint: who wants to send
-- $2 default_cap integer: limit of masters without one of their own; 0 = none
-- -> spent boolean: true when nothing may be sent in this month any more
WITH caps AS (
    SELECT id AS scope_id, false AS with_subs, monthly_cap AS cap
    FROM accounts
    WHERE id = $1::bigint AND parent_id IS NOT NULL
    UNION ALL
    SELECT master.id, true, coalesce(master.monthly_cap, nullif($2::integer, 0))
    FROM accounts AS account
    JOIN accounts AS master ON master.id = coalesce(account.parent_id, account.id)
    WHERE account.id = $1::bigint
)
SELECT coalesce(bool_or(cap <= (
    SELECT coalesce(sum(
        accepted - blocked_complaint - blocked_hardbounce - blocked_manual - blocked_softbounce - blocked_unsubscribe
    ), 0)
    FROM daily_counts
    WHERE account_id IN (SELECT id FROM accounts WHERE id = scope_id OR (with_subs AND parent_id = scope_id))
      AND day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date
      AND day < (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month')::date
)), false) AS spent
FROM caps
WHERE cap IS NOT NULL
