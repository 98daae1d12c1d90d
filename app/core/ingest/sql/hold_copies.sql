-- Copies as they are, held until the end of the transaction.
--
-- The arrays are parallel.
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- -> id bigint: the copy
-- -> accepted_at timestamp with time zone: second of acceptance
-- -> accepted_ms smallint: milliseconds within it
-- -> delivered_at timestamp with time zone: when a server took it
-- -> bounced_at timestamp with time zone: when it failed
-- -> finished_at timestamp with time zone: when nothing was left to do
-- -> state text: where it stands
-- -> blocked_reason text: why it was not sent
-- -> x_headers jsonb: what is remembered with it
-- -> sender_id bigint: its sender
-- -> recipient text: its recipient
--
-- Locks: the copies' rows, by id. Index: pk_messages.
SELECT messages.id, messages.accepted_at, accepted_ms, delivered_at, bounced_at, finished_at, state, blocked_reason,
    x_headers, sender_id, recipient
FROM unnest($1::bigint[], $2::timestamptz[]) AS given (id, accepted_at)
JOIN messages ON messages.id = given.id AND messages.accepted_at = given.accepted_at
ORDER BY messages.id
FOR UPDATE OF messages
