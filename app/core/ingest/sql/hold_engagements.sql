-- Hold what copies have brought in all, before it is looked at: whoever records a visit of one of them waits here.
--
-- The arrays are parallel, in order of id.
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
--
-- Locks: the rows of the copies in engagements, by id, those that are new included. Index: pk_messages, pk_engagements.
INSERT INTO engagements AS known (message_id, accepted_at, account_id, sender_id, run_id)
SELECT messages.id, messages.accepted_at, messages.account_id, messages.sender_id, messages.run_id
FROM unnest($1::bigint[], $2::timestamptz[]) AS given (message_id, accepted_at)
JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
ORDER BY messages.id
ON CONFLICT (message_id, accepted_at) DO UPDATE SET opens = known.opens
