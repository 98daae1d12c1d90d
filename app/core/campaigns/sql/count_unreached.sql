-- Targets of a run that nobody has claimed.
-- Locks: none; the caller holds the run's row, so the answer stays true. Index: pk_run_targets.
--
-- $1 run_id bigint: the run
-- $2 next_seq bigint: the first one that was not claimed
-- -> targets bigint: how many
SELECT count(*) AS targets FROM run_targets WHERE run_id = $1::bigint AND seq >= $2::bigint
