-- Ends a job and tells of it.
-- Locks: the job's row. Index: pk_jobs.
--
-- $1 id bigint: the job
-- $2 token text: of the worker that has it; null: whoever has it
-- $3 status text: done, failed or cancelled
-- $4 error text: why it failed, or null
-- -> id bigint: one row, or none when it had ended or was lost
  WITH ended AS (
       UPDATE jobs
          SET status = $3::text, error = $4::text, finished_at = now(), updated_at = now(),
              lease_token = NULL, lease_until = NULL,
              total = CASE WHEN $3::text = 'done' THEN processed ELSE total END
        WHERE id = $1::bigint
          AND status IN ('queued', 'running')
          AND ($2::text IS NULL OR lease_token = $2::text)
       RETURNING id, account_id, audience_id, type, status, processed, created, updated, skipped, failed
     ), told AS (
       INSERT INTO domain_events (account_id, type, audience_id, data)
       SELECT account_id, 'job.finished', audience_id,
              jsonb_build_object('job_number', id, 'type', type, 'status', status, 'processed', processed,
                                 'created', created, 'updated', updated, 'skipped', skipped, 'failed', failed)
         FROM ended
     )
SELECT id FROM ended
