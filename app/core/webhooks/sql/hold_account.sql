-- Let nobody else change the webhooks of an account until the end of the transaction.
--
-- $1 account_id bigint: whose
-- -> id bigint: it
--
-- Locks: the account's row, before those of its webhooks. Index: pk_accounts.
SELECT id FROM accounts WHERE id = $1::bigint FOR NO KEY UPDATE
