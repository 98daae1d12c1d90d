-- Contacts as they are now; none that is no member any more, or whose audience is gone.
--
-- $1 ids bigint[]: contacts
-- -> id bigint: one row per contact
-- -> audience_id bigint: its audience
-- -> address text: its address
-- -> status text: its status
-- -> fields jsonb: its values by tag
-- -> tags text[]: its tags
--
-- Locks: none. Index: pk_contacts, pk_audiences.
SELECT contacts.id, contacts.audience_id, contacts.address, contacts.status, contacts.fields, contacts.tags
FROM contacts
JOIN audiences ON audiences.id = contacts.audience_id AND audiences.deleted_at IS NULL
WHERE contacts.id = ANY ($1::bigint[]) AND contacts.removed_at IS NULL
