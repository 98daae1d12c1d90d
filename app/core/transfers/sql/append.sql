-- Appends a piece to a file that a job writes.
-- Locks: none; one worker writes at a time. Index: pk_job_chunks.
--
-- $1 job_id bigint: whose
-- $2 kind text: of app.models.job_chunk.ChunkKind
-- $3 data bytea: not empty
INSERT INTO job_chunks (job_id, kind, seq, data)
SELECT $1::bigint, $2::text, COALESCE(max(seq) + 1, 0), $3::bytea
  FROM job_chunks
 WHERE job_id = $1::bigint
   AND kind = $2::text
