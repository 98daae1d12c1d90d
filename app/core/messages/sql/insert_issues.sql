-- Write refusals.
--
-- All arrays are parallel.
-- $1 account_ids bigint[]: whose send it was
-- $2 occurred_ats timestamp with time zone[]: when
-- $3 issue_types text[]: why
-- $4 addresses text[]: offending address
-- $5 senders text[]: From value as given
-- $6 descriptions text[]: what the client was told
-- $7 x_headers jsonb[]: remembered X-headers, null without
--
-- Locks: none but the new rows.
INSERT INTO issues (account_id, occurred_at, issue_type, address, sender, description, x_headers)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
