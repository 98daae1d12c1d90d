-- Where one link of a single mail leads.
--
-- $1 mail_id bigint: the mail
-- $2 accepted_at timestamp with time zone: its second of acceptance
-- $3 link integer: the link's number, from 0
-- -> url text: the target, null without such a link
--
-- Locks: none. Index: pk_mails.
SELECT links[$3::integer + 1] AS url
FROM mails
WHERE id = $1::bigint AND accepted_at = $2::timestamptz
