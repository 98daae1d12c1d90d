-- Notes how many rows a job has, as soon as that is known.
-- Locks: the job's row. Index: pk_jobs.
--
-- $1 id bigint: the job
-- $2 total bigint: rows
UPDATE jobs SET total = $2::bigint WHERE id = $1::bigint
