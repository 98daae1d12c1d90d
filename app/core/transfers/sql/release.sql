-- Gives a job back that is to go on.
-- Locks: the job's row. Index: pk_jobs.
--
-- $1 id bigint: the job
-- $2 token text: of the worker
UPDATE jobs
   SET lease_token = NULL, lease_until = NULL, updated_at = now()
 WHERE id = $1::bigint
   AND lease_token = $2::text
   AND status = 'running'
