-- Entries of an account's suppression list, oldest first, behind one of them.
-- Locks: none. Index: ix_suppressions_account.
--
-- $1 account_id bigint: whose list
-- $2 since timestamptz: of the entry they come behind
-- $3 after_id bigint: of that entry
-- $4 most bigint: rows
-- -> id bigint: one row per entry
-- -> address text: whom
-- -> reason text: why
-- -> detail text: what is shown beside it
-- -> created_at timestamptz: since when
SELECT id, address, reason, detail, created_at
  FROM suppressions
 WHERE account_id = $1::bigint
   AND (created_at, id) > ($2::timestamptz, $3::bigint)
 ORDER BY created_at, id
 LIMIT $4::bigint
