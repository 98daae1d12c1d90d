-- Takes an open job for a worker: one that nobody has, whose worker is known to be dead, or whose lease has run out.
-- Locks: the job's row. Index: pk_jobs.
--
-- $1 id bigint: the job
-- $2 token text: of the worker, used once
-- $3 lease_seconds bigint: how long it may be silent
-- $4 is_alone boolean: whether no living worker has it
-- -> account_id bigint: one row, or none when it cannot be taken
-- -> audience_id bigint: of what concerns contacts, or null
-- -> type text: of app.models.job.JobType
-- -> options jsonb: what was asked for
-- -> position jsonb: where the next batch begins
-- -> told bigint: bad rows that the list of errors has
-- -> attempts integer: how often it was taken up since its last progress, this time included
UPDATE jobs
   SET status = 'running', lease_token = $2::text, lease_until = now() + $3::bigint * interval '1 second',
       started_at = COALESCE(started_at, now()), updated_at = now(), attempts = attempts + 1
 WHERE id = $1::bigint
   AND status IN ('queued', 'running')
   AND ($4::boolean OR lease_until IS NULL OR lease_until < now())
RETURNING account_id, audience_id, type, options, position, told, attempts
