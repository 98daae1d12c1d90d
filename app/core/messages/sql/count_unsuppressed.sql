-- How many of these addresses an account may mail.
--
-- $1 account_id bigint: owner of the list
-- $2 keys text[]: addresses in lower case
-- $3 unsubscribed_too boolean: whether an `unsubscribe` entry stops nothing
-- -> copies bigint: those without an entry that stops mail
--
-- Locks: none. Index: uq_suppressions_account_id_address.
SELECT count(*) AS copies
FROM unnest($2::text[]) AS given (key)
WHERE NOT EXISTS (
    SELECT FROM suppressions
    WHERE suppressions.account_id = $1::bigint AND suppressions.address = given.key
      AND NOT ($3::boolean AND suppressions.reason = 'unsubscribe')
)
