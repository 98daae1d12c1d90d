-- Writes where runs stand after a step, and tallies those that have ended.
-- Locks: the runs, which the transaction holds. Index: pk_automation_runs.
--
-- $1 to $10 are parallel, one element per run.
-- $1 ids bigint[]: runs
-- $2 positions smallint[]: the step each does next
-- $3 versions integer[]: of the steps it is one of
-- $4 due_ats timestamp with time zone[]: when; null: it has ended
-- $5 statuses text[]: active, finished or stopped
-- $6 reasons text[]: why it stopped
-- $7 lefts boolean[]: whether a step of its own unsubscribed the contact
-- $8 failures smallint[]: how often the step could not be done
-- $9 errors text[]: why
-- $10 sents text[]: copies by number of the step, as JSON
-- $11 now timestamp with time zone: the time
WITH saved AS (
    UPDATE automation_runs AS run
    SET position = given.position, version = given.version, due_at = given.due_at, status = given.status,
        reason = given.reason, has_left = given.has_left, failures = given.failures, error = given.error,
        failing_since = CASE WHEN given.error <> '' AND given.failures > 0
                             THEN coalesce(run.failing_since, $11::timestamptz) END,
        sent = given.sent::jsonb, ended_at = CASE WHEN given.due_at IS NULL THEN $11::timestamptz END
    FROM unnest(
        $1::bigint[], $2::smallint[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::boolean[],
        $8::smallint[], $9::text[], $10::text[]
    ) AS given (id, position, version, due_at, status, reason, has_left, failures, error, sent)
    WHERE run.id = given.id
    RETURNING run.automation_id, run.status
)
INSERT INTO automation_tallies (automation_id, finished, stopped)
SELECT automation_id, count(*) FILTER (WHERE status = 'finished'), count(*) FILTER (WHERE status = 'stopped')
FROM saved
WHERE status <> 'active'
GROUP BY automation_id
