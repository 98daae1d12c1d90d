-- Write refusals that are not there yet. The caller holds the accounts' lists.
--
-- The arrays are parallel, in order of time.
-- $1 account_ids bigint[]: whose send it was
-- $2 occurred_ats timestamp with time zone[]: when
-- $3 issue_types text[]: why
-- $4 addresses text[]: offending address
-- $5 senders text[]: From value
-- $6 descriptions text[]: what the client was told
-- $7 x_headers jsonb[]: remembered X-headers, null without
--
-- Locks: none but the new rows. Index: ix_issues_account.
INSERT INTO issues (account_id, occurred_at, issue_type, address, sender, description, x_headers)
SELECT given.*
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
    AS given (account_id, occurred_at, issue_type, address, sender, description, x_headers)
WHERE NOT EXISTS (
    SELECT FROM issues AS known
    WHERE known.account_id = given.account_id AND known.occurred_at = given.occurred_at
      AND (known.issue_type, known.address, known.sender, known.description)
        = (given.issue_type, given.address, given.sender, given.description)
)
