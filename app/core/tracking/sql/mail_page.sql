-- What a single mail shows.
--
-- $1 mail_id bigint: the mail
-- $2 accepted_at timestamp with time zone: its second of acceptance
-- -> text text: text body, null without
-- -> html text: HTML body, null without
--
-- Locks: none. Index: pk_mails.
SELECT text, html
FROM mails
WHERE id = $1::bigint AND accepted_at = $2::timestamptz
