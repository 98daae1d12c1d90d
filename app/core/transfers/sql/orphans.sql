-- Open jobs that nobody works on: no worker has come, it has died, or it has given the job back and no nudge came.
-- Locks: none. Index: ix_jobs_open.
--
-- $1 silent_seconds bigint: how long nothing was heard of them
-- $2 most bigint: rows
-- -> id bigint: one row per job, the longest silent first
SELECT id
  FROM jobs
 WHERE status IN ('queued', 'running')
   AND updated_at < now() - $1::bigint * interval '1 second'
 ORDER BY updated_at
 LIMIT $2::bigint
