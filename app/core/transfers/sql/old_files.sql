-- Deletes some pieces of files of jobs that ended long ago, and notes of which jobs none is left.
-- Locks: the jobs' rows; what others hold is left for the next time. Index: ix_jobs_files, pk_job_chunks.
--
-- $1 before timestamptz: when they ended
-- $2 most bigint: jobs
-- -> deleted bigint: how many jobs
  WITH old AS (
       SELECT id
         FROM jobs
        WHERE NOT emptied
          AND finished_at < $1::timestamptz
        ORDER BY finished_at
        LIMIT $2::bigint
          FOR NO KEY UPDATE SKIP LOCKED
     ), pieces AS (
       DELETE FROM job_chunks WHERE job_id IN (SELECT id FROM old)
     ), noted AS (
       UPDATE jobs SET emptied = true WHERE id IN (SELECT id FROM old) RETURNING id
     )
SELECT count(*) AS deleted FROM noted
