-- What accounts are called.
-- Locks: none. Index: pk_accounts.
--
-- $1 account_ids bigint[]: which
-- -> id bigint: of the account
-- -> name text: its user name
-- -> public_id uuid: its UUID
SELECT id, username::text AS name, public_id FROM accounts WHERE id = ANY ($1::bigint[])
