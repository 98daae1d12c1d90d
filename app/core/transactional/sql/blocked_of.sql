-- Which of these copies were blocked when they were accepted.
--
-- $1 ids bigint[]: copies
-- $2 accepted_at timestamp with time zone: their second of acceptance
-- -> id bigint: a blocked copy
--
-- Locks: none. Index: primary key of messages.
SELECT id
FROM messages
WHERE id = ANY ($1::bigint[]) AND accepted_at = $2::timestamptz AND blocked_reason IS NOT NULL
