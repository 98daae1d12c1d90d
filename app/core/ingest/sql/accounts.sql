-- Accounts by either of their ids, deleted ones left out.
--
-- $1 public_ids uuid[]: the native API's
-- $2 ids bigint[]: the foreign families'
-- -> id bigint: of an account
-- -> public_id uuid: of the same
--
-- Locks: none. Index: uq_accounts_public_id, pk_accounts.
SELECT id, public_id
FROM accounts
WHERE (public_id = ANY ($1::uuid[]) OR id = ANY ($2::bigint[])) AND deleted_at IS NULL
