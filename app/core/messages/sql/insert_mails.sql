-- Write the contents of a group of mails.
--
-- $1 ids bigint[]: one per mail
-- $2 accepted_ats timestamp with time zone[]: second of acceptance
-- $3 account_ids bigint[]: owner
-- $4 headers jsonb[]: [[name, value], ...]
-- $5 texts text[]: text bodies, null without
-- $6 htmls text[]: HTML bodies, null without
--
-- Locks: none but the new rows.
INSERT INTO mails (id, accepted_at, account_id, headers, text, html)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::jsonb[], $5::text[], $6::text[])
