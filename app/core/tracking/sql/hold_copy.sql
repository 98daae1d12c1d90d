-- A copy, held until the end of the transaction.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- -> account_id bigint: whose copy; no row without a copy
-- -> kind text: what made it
-- -> recipient text: whom it was for
-- -> contact_id bigint: who that is, null unknown
-- -> audience_id bigint: the contact's audience, null unknown
--
-- Locks: the copy's row. Index: pk_messages, pk_contacts.
SELECT account_id, kind, recipient, contact_id,
    CASE WHEN kind = 'automation' AND fields IS NULL THEN (
        SELECT contacts.audience_id FROM contacts WHERE contacts.id = messages.contact_id
    ) ELSE (fields ->> '@')::bigint END AS audience_id
FROM messages
WHERE id = $1::bigint AND accepted_at = $2::timestamptz
FOR UPDATE
