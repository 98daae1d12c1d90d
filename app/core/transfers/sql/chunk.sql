-- One piece of a file.
-- Locks: none. Index: pk_job_chunks.
--
-- $1 job_id bigint: whose
-- $2 kind text: of app.models.job_chunk.ChunkKind
-- $3 seq integer: from 0
-- -> data bytea: one row, or none behind the end
SELECT data
  FROM job_chunks
 WHERE job_id = $1::bigint
   AND kind = $2::text
   AND seq = $3::integer
