-- Gives blacklisted contacts back the status they had, once their addresses are off the list (docs/contract/dyn-email.md,
-- 16). Contacts are held whatever their status, because a status may be changing in a transaction that is still open.
-- Locks: all contacts of the addresses, by id. Index: uq_contacts_account_id_address_audience_id, pk_contacts.
--
-- $1 account_id bigint: whose list
-- $2 addresses text[]: trimmed, lower case
  WITH held AS (
       SELECT id, status, status_before
         FROM contacts
        WHERE account_id = $1::bigint AND address = ANY ($2::text[])
        ORDER BY id
          FOR NO KEY UPDATE
     ), changed AS (
       UPDATE contacts
          SET status = held.status_before, status_before = NULL, updated_at = now()
         FROM held
        WHERE contacts.id = held.id
          AND held.status = 'blacklisted'
          AND held.status_before IS NOT NULL
       RETURNING contacts.id, contacts.audience_id, contacts.address, contacts.status, contacts.removed_at
     )
INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)
SELECT $1::bigint, 'contact.updated', id, audience_id, address,
       jsonb_build_object('status', status, 'status_before', 'blacklisted')
  FROM changed
 WHERE removed_at IS NULL
 ORDER BY id
