-- Takes an address off an account's list if it is there for `unsubscribe` alone.
-- Locks: the row it deletes. Index: uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose list
-- $2 address text: trimmed, lower case
DELETE FROM suppressions
 WHERE account_id = $1::bigint
   AND address = $2::text
   AND reason = 'unsubscribe'
