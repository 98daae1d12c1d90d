-- Lets only one transaction at a time ask whether there is an account at all.
-- Locks: one advisory lock until the end of the transaction. Index: none.
--
-- -> locked boolean: always true
SELECT pg_advisory_xact_lock(1953655156) IS NOT NULL AS locked
