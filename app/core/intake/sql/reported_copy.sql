-- A copy that something is reported about, unless its account is deleted.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- -> recipient text: whom it was for; no row without a copy
--
-- Locks: none. Index: pk_messages.
SELECT messages.recipient
FROM messages
JOIN accounts ON accounts.id = messages.account_id AND accounts.deleted_at IS NULL
WHERE messages.id = $1::bigint AND messages.accepted_at = $2::timestamptz
