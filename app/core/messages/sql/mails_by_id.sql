-- Contents of mails.
--
-- $1 ids bigint[]: of mails
-- $2 accepted_ats timestamp with time zone[]: their seconds of acceptance
-- -> id bigint: of the mail
-- -> accepted_at timestamp with time zone: its second
-- -> account_id bigint: owner
-- -> headers jsonb: [[name, value], ...]
-- -> text text: text body, null without
-- -> html text: HTML body, null without
-- -> tracking smallint: what its copies report
-- -> links text[]: where its tracked links lead, by link number, null without
-- -> raw bytea: the whole mail where it came whole, null for others
--
-- Locks: none. Index: pk_mails.
SELECT mails.id, mails.accepted_at, mails.account_id, mails.headers, mails.text, mails.html, mails.tracking, mails.links,
    mails.raw
FROM unnest($1::bigint[], $2::timestamptz[]) AS wanted (id, accepted_at)
JOIN mails ON mails.id = wanted.id AND mails.accepted_at = wanted.accepted_at
