-- Hold copies that something is reported about, and leave out those that somebody else holds: who waits for several
-- copies could wait in a circle with others.
--
-- The arrays are parallel; a copy appears once.
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- -> message_id bigint: a copy that is held now, and whose account is not deleted
-- -> recipient text: whom it was for
--
-- Locks: the copies' rows, without waiting. Index: pk_messages.
SELECT messages.id AS message_id, messages.recipient
FROM unnest($1::bigint[], $2::timestamptz[]) AS given (message_id, accepted_at)
JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
JOIN accounts ON accounts.id = messages.account_id AND accounts.deleted_at IS NULL
ORDER BY messages.id
FOR UPDATE OF messages SKIP LOCKED
