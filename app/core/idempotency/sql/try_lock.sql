-- Takes a key of an account for this transaction, unless another transaction has it; waits for nobody.
-- Locks: one advisory lock until the end of the transaction. Index: none.
--
-- $1 account_id bigint: whose key
-- $2 key text: the key
-- -> locked boolean: whether it is ours
SELECT pg_try_advisory_xact_lock(hashtextextended($2::text, $1::bigint)) AS locked
