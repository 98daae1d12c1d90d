-- The attempts at one copy, in order.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- $3 most integer: attempts
-- -> attempt smallint: number, from 1; 0 where another system made it
-- -> attempted_at timestamp with time zone: when the outcome was known
-- -> outcome text: delivered, deferred, rejected, in_doubt, blocked, failed
-- -> code smallint: SMTP reply code, 0 without a reply
-- -> enhanced text: enhanced status code, empty without
-- -> reply text: what the server said, or what went wrong on our side
-- -> host text: the server
-- -> duration_ms integer: milliseconds
--
-- Locks: none. Index: pk_attempts.
SELECT attempt, attempted_at, outcome, code, enhanced, reply, host, duration_ms
FROM attempts
WHERE message_id = $1::bigint AND accepted_at = $2::timestamptz
ORDER BY attempted_at, attempt, lease_id
LIMIT $3::int
