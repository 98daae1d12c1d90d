-- Runs that wait for their targets.
-- Locks: none. Index: ix_runs_active.
--
-- $1 limit integer: how many at most
-- -> id bigint: the run
SELECT id FROM runs WHERE state = 'queued' ORDER BY id LIMIT $1::integer
