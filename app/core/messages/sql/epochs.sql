-- The epochs of runs.
--
-- $1 run_ids bigint[]: of runs
-- -> id bigint: of a run
-- -> epoch integer: its newest
--
-- Locks: none. Index: pk_runs.
SELECT id, epoch FROM runs WHERE id = ANY ($1::bigint[])
