-- Forget calls that were given up 30 days ago.
--
-- $1 most integer: calls
-- $2 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: a call that was forgotten
--
-- Locks: the calls' rows, skipping those that others hold. Index: none; asked once an hour.
DELETE FROM postbacks
WHERE id IN (
    SELECT id FROM postbacks
    WHERE given_up_at < coalesce($2::timestamptz, now()) - interval '30 days'
    LIMIT $1::int
    FOR UPDATE SKIP LOCKED
)
RETURNING id
