-- Moves a job to the end of a batch, in the batch's transaction.
-- Locks: the job's row, which the caller holds. Index: pk_jobs.
--
-- $1 id bigint: the job
-- $2 lease_seconds bigint: how long its worker may be silent
-- $3 position text: where the next batch begins, as JSON
-- $4 created bigint: rows of this batch by what became of them
-- $5 updated bigint: the same
-- $6 skipped bigint: the same
-- $7 failed bigint: the same
-- $8 told bigint: of the failed those that the list of errors tells of
UPDATE jobs
   SET position = $3::text::jsonb, created = created + $4::bigint, updated = updated + $5::bigint,
       skipped = skipped + $6::bigint, failed = failed + $7::bigint, told = told + $8::bigint,
       processed = processed + $4::bigint + $5::bigint + $6::bigint + $7::bigint,
       lease_until = now() + $2::bigint * interval '1 second', updated_at = now(), attempts = 0
 WHERE id = $1::bigint
