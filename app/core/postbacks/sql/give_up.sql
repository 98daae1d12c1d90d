-- Give up calls that have waited for a day because their endpoint does not answer.
--
-- $1 endpoints text[]: that do not answer
-- $2 most integer: calls
-- $3 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: a call that was given up
--
-- Locks: the calls' rows, skipping those that others hold. Index: ix_postbacks_due.
UPDATE postbacks SET given_up_at = coalesce($3::timestamptz, now()), last_error = 'the endpoint has not answered for a day'
WHERE id IN (
    SELECT id FROM postbacks
    WHERE endpoint = ANY ($1::text[]) AND given_up_at IS NULL
        AND due_at < coalesce($3::timestamptz, now()) - interval '1 day'
    LIMIT $2::int
    FOR UPDATE SKIP LOCKED
)
RETURNING id
