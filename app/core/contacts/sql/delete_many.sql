-- Deletes contacts with their events.
-- Locks: the contacts, by id; then the rows it deletes. Index: pk_contacts, ix_contact_events_contact.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 ids bigint[]: members of it; others are passed over
-- -> changed bigint: how many there were
  WITH held AS (
       SELECT id
         FROM contacts
        WHERE id = ANY ($3::bigint[]) AND account_id = $1::bigint AND audience_id = $2::bigint AND removed_at IS NULL
        ORDER BY id
          FOR UPDATE
     ), forgotten AS (
       DELETE FROM contact_events WHERE contact_id IN (SELECT id FROM held)
     ), gone AS (
       DELETE FROM contacts WHERE id IN (SELECT id FROM held)
       RETURNING id, address, status
     ), told AS (
       INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)
       SELECT $1::bigint, 'contact.deleted', id, $2::bigint, address, jsonb_build_object('status_before', status)
         FROM gone
        ORDER BY id
     )
SELECT count(*) AS changed FROM gone
