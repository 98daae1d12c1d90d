-- Copies by the names that events give them: names of another system, and what may be email ids of ours.
--
-- The arrays are parallel.
-- $1 account_ids bigint[]: whose
-- $2 email_ids text[]: as given
-- $3 message_ids bigint[]: what the email id says if it is one of ours, else null
-- $4 accepted_ats timestamp with time zone[]: what the email id says if it is one of ours, else null
-- -> account_id bigint: as given
-- -> email_id text: as given
-- -> is_foreign boolean: whether it is a copy that was taken over
-- -> message_id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition
-- -> sender_id bigint: its sender
-- -> recipient text: its recipient
--
-- Locks: none. Index: pk_foreign_email_ids, pk_messages.
SELECT given.account_id, given.email_id, known.message_id IS NOT NULL AS is_foreign,
    messages.id AS message_id, messages.accepted_at, messages.sender_id, messages.recipient
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[])
    AS given (account_id, email_id, message_id, accepted_at)
LEFT JOIN foreign_email_ids AS known ON known.account_id = given.account_id AND known.email_id = given.email_id
JOIN messages ON messages.id = coalesce(known.message_id, given.message_id)
    AND messages.accepted_at = coalesce(known.accepted_at, given.accepted_at)
    AND messages.account_id = given.account_id
