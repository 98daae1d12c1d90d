-- What a token's copy is.
--
-- $1 message_id bigint: id of the copy
-- $2 accepted_at timestamp with time zone: its second of acceptance
-- -> account_id bigint: whose
-- -> sender_id bigint: who sent it
-- -> run_id bigint: its run, null without
-- -> mail_id bigint: its single mail, null without
-- -> contact_id bigint: its contact, null without
-- -> content_version integer: version of the run's content, null without
-- -> kind text: what made it
-- -> recipient text: envelope recipient
-- -> fields jsonb: personalisation values; of an automation's mail its contact's audience alone; null without
--
-- Locks: none. Index: pk_messages, pk_contacts.
SELECT account_id, sender_id, run_id, mail_id, contact_id, content_version, kind, recipient,
    CASE WHEN kind = 'automation' AND fields IS NULL THEN (
        SELECT jsonb_build_object('@', contacts.audience_id) FROM contacts WHERE contacts.id = messages.contact_id
    ) ELSE fields END AS fields
FROM messages
WHERE id = $1::bigint AND accepted_at = $2::timestamptz
