-- Wait for whoever takes over refusals of the same accounts.
--
-- $1 space integer: number of this kind of lock
-- $2 account_ids bigint[]: whose, in order
-- -> held boolean: true, a row for each lock
--
-- Locks: advisory ones until the end of the transaction, in the order given. Index: none.
SELECT pg_advisory_xact_lock($1::int, (account_id & 2147483647)::int) IS NOT NULL AS held
FROM unnest($2::bigint[]) AS given (account_id)
