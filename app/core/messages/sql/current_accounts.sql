-- Accounts that may act now: their revision, to compare with what a caller was read at, and their monthly limits.
--
-- $1 account_ids bigint[]: accounts of a group
-- -> id bigint: an account that is active, as is its master
-- -> revision bigint: raised with every change of the account, its keys or its senders
-- -> monthly_cap bigint: its own limit, null without
-- -> root_id bigint: its master, or itself
-- -> root_cap bigint: the master's limit, null without
-- -> told boolean: whether its webhooks want to know what is accepted or blocked
--
-- Locks: none. Index: primary key of accounts.
SELECT account.id, account.revision, account.monthly_cap,
    coalesce(master.id, account.id) AS root_id,
    CASE WHEN master.id IS NULL THEN account.monthly_cap ELSE master.monthly_cap END AS root_cap,
    account.told_events && '{email.accepted,email.blocked}' AS told
FROM accounts AS account
LEFT JOIN accounts AS master ON master.id = account.parent_id
WHERE account.id = ANY ($1::bigint[])
  AND account.status = 'active' AND account.deleted_at IS NULL
  AND (account.parent_id IS NULL OR (master.status = 'active' AND master.deleted_at IS NULL))
