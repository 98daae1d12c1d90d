-- Deletes calls that have succeeded, or are given up.
-- Locks: the calls. Index: pk_automation_calls.
--
-- $1 ids bigint[]: which
DELETE FROM automation_calls WHERE id = ANY ($1::bigint[])
