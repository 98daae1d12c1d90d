-- Notes that calls have failed, and when they are tried again.
-- Locks: the calls. Index: pk_automation_calls.
--
-- $1 to $3 are parallel, one element per call.
-- $1 ids bigint[]: which
-- $2 seconds double precision[]: from now on
-- $3 errors text[]: what was wrong
-- $4 now timestamp with time zone: null: now
UPDATE automation_calls AS call
SET attempts = call.attempts + 1, last_error = given.error,
    due_at = coalesce($4::timestamptz, now()) + make_interval(secs => given.seconds)
FROM unnest($1::bigint[], $2::double precision[], $3::text[]) AS given (id, seconds, error)
WHERE call.id = given.id
