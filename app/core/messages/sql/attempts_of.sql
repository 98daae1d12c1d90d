-- The attempts of copies, in order. The plan leaves out the months in which none was accepted.
--
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 limit integer: most attempts
-- -> message_id bigint: the copy
-- -> attempt smallint: number
-- -> attempted_at timestamp with time zone: when the outcome was known
-- -> outcome text: delivered, deferred, rejected, in_doubt, blocked, failed
-- -> code smallint: reply code, 0 without
-- -> enhanced text: enhanced status code, empty without
-- -> reply text: what was said
-- -> host text: who said it
-- -> duration_ms integer: milliseconds
--
-- Locks: none. Index: pk_attempts.
SELECT message_id, attempt, attempted_at, outcome, code, enhanced, reply, host, duration_ms
FROM attempts
WHERE message_id = ANY ($1::bigint[]) AND accepted_at = ANY ($2::timestamptz[])
ORDER BY message_id, attempted_at, attempt, lease_id
LIMIT $3::int
