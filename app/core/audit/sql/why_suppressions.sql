-- An address on the suppression lists of accounts.
--
-- $1 address text: in lower case
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> account_id bigint: whose list
-- -> reason text: why
-- -> detail text: more about it
-- -> created_at timestamp with time zone: since when
--
-- Locks: none. Index: uq_suppressions_account_id_address, for each account.
SELECT account_id, reason, detail, created_at
FROM suppressions
WHERE account_id = ANY (ARRAY(SELECT id FROM accounts WHERE $2::bigint IS NULL OR accounts.id = $2::bigint))
  AND address = $1::text
ORDER BY account_id
LIMIT $3::int
