-- Holds the entry of an address, if there is one: who will hold its contacts takes it first.
-- Locks: the entry. Index: uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose list
-- $2 address text: trimmed, lower case
SELECT
  FROM suppressions
 WHERE account_id = $1::bigint AND address = $2::text
   FOR UPDATE
