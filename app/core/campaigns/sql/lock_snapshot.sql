-- Lets only one transaction at a time fix the targets of a run.
-- Locks: one advisory lock until the end of the transaction. Index: none.
--
-- $1 run_id bigint: the run
-- -> locked boolean: false when another one is at it
SELECT pg_try_advisory_xact_lock(1936613744, hashint8($1::bigint)) AS locked
