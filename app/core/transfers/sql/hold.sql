-- Holds a job for a batch: whoever cancels it or takes it over waits for the end of the batch.
-- Locks: the job's row. Index: pk_jobs.
--
-- $1 id bigint: the job
-- $2 token text: of the worker
-- -> id bigint: one row, or none when the worker has lost it
SELECT id
  FROM jobs
 WHERE id = $1::bigint
   AND lease_token = $2::text
   AND status = 'running'
   FOR NO KEY UPDATE
