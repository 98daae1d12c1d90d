-- Which contacts meet a condition. The place of the filter takes an expression of segments, whose parameters follow.
--
-- $1 account_id bigint: whose
-- $2 ids bigint[]: contacts
-- -> id bigint: one row per contact that meets it
--
-- Locks: none. Index: pk_contacts.
SELECT c.id
FROM contacts AS c
WHERE c.id = ANY ($2::bigint[]) AND c.account_id = $1::bigint AND c.removed_at IS NULL
  AND /*filter*/ true
