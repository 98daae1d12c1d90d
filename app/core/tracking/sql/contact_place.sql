-- Whose a contact is, and where.
--
-- $1 contact_id bigint: its id
-- -> account_id bigint: whose
-- -> audience_id bigint: its audience
-- -> address text: its address
--
-- Locks: none. Index: pk_contacts.
SELECT account_id, audience_id, address
FROM contacts
WHERE id = $1::bigint AND removed_at IS NULL
