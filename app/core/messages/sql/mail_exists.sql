-- Whether a mail was committed; asked when the answer to a commit was lost.
--
-- $1 id bigint: of the mail
-- $2 accepted_at timestamp with time zone: its second of acceptance
-- -> known boolean: true when it is there
--
-- Locks: none. Index: pk_mails.
SELECT EXISTS (SELECT FROM mails WHERE id = $1::bigint AND accepted_at = $2::timestamptz) AS known
