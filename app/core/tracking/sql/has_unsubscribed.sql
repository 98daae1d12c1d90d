-- Whether a recipient has unsubscribed through a copy before.
--
-- $1 message_id bigint: the copy, which is held
-- $2 accepted_at timestamp with time zone: its partition
-- -> known boolean: whether
--
-- Locks: none. Index: pk_unsubscriptions.
SELECT EXISTS (
    SELECT FROM unsubscriptions WHERE message_id = $1::bigint AND accepted_at = $2::timestamptz
) AS known
