-- How many of these addresses an account may mail.
--
-- $1 account_id bigint: owner of the list
-- $2 keys text[]: addresses in lower case
-- -> copies bigint: those without an entry
--
-- Locks: none. Index: uq_suppressions_account_id_address.
SELECT count(*) AS copies
FROM unnest($2::text[]) AS given (key)
WHERE NOT EXISTS (
    SELECT FROM suppressions
    WHERE suppressions.account_id = $1::bigint AND suppressions.address = given.key
)
