-- The oldest version of an automation's steps that somebody on the way still stands in.
--
-- $1 automation_id bigint: which
-- -> version integer: null when nobody is on the way
--
-- Locks: none. Index: uq_automation_runs_active.
SELECT min(version) AS version
FROM automation_runs
WHERE automation_id = $1::bigint AND ended_at IS NULL
