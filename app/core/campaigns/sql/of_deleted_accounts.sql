-- Accounts that were deleted lately, with their runs that have not ended.
--
-- $1 hours integer: how long ago at most
-- -> account_id bigint: the account
-- -> campaign_id bigint: the campaign of such a run; null without one
--
-- Locks: none. Index: none on accounts, which are few; ix_runs_active does not hold paused ones.
SELECT accounts.id AS account_id, runs.campaign_id
FROM accounts
LEFT JOIN runs
    ON runs.account_id = accounts.id AND runs.state IN ('scheduled', 'queued', 'sending', 'paused')
WHERE accounts.deleted_at > now() - make_interval(hours => $1::int)
ORDER BY accounts.id, runs.id
