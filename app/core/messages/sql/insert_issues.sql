-- Write refusals, and tell of them where the account's webhooks ask for it.
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
-- Locks: none but the new rows. Index: pk_accounts.
WITH written AS (
    INSERT INTO issues (account_id, occurred_at, issue_type, address, sender, description, x_headers)
    SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
    RETURNING id, account_id
)
INSERT INTO domain_events (account_id, type, data)
SELECT written.account_id, 'email.refused', jsonb_build_object('row', written.id)
FROM written
JOIN accounts ON accounts.id = written.account_id AND 'email.refused' = ANY (accounts.told_events)
ORDER BY written.id
