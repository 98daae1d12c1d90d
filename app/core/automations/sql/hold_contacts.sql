-- Holds contacts that several steps are about to change, in the order that everybody holds them in.
--
-- $1 ids bigint[]: contacts
-- -> id bigint: one row per contact that is there
--
-- Locks: the contacts, by id, until the end of the transaction. Index: pk_contacts.
SELECT id
FROM contacts
WHERE id = ANY ($1::bigint[])
ORDER BY id
FOR UPDATE
