-- Record calls that failed: when they are tried again, or that they are given up.
--
-- The first four arrays are parallel, one element per call.
-- $1 ids bigint[]: of calls
-- $2 attempts smallint[]: tries that have ended, this one included
-- $3 waits double precision[]: seconds until the next try, null: there is none
-- $4 errors text[]: what went wrong
-- $5 now timestamp with time zone: instead of the clock, or null
--
-- A call somebody else has recorded as a success is gone. Locks: the calls' rows by id. Index: pk_postbacks.
WITH locked AS (
    SELECT id FROM postbacks WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
)
UPDATE postbacks SET
    attempts = greatest(postbacks.attempts, given.attempts),
    last_error = given.error,
    due_at = coalesce($5::timestamptz, now()) + make_interval(secs => coalesce(given.wait, 0)),
    given_up_at = CASE WHEN given.wait IS NULL THEN coalesce($5::timestamptz, now()) END
FROM unnest($1::bigint[], $2::smallint[], $3::float8[], $4::text[]) AS given (id, attempts, wait, error), locked
WHERE postbacks.id = given.id AND postbacks.id = locked.id AND postbacks.given_up_at IS NULL
