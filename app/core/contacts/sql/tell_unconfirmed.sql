-- Tells of contacts this transaction has made and that are to confirm: the confirmation mail follows from the event.
-- Locks: none. Index: uq_contacts_account_id_address_audience_id.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 addresses text[]: trimmed, lower case; those of other contacts are passed over
INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)
SELECT $1::bigint, 'contact.created', id, $2::bigint, address, jsonb_build_object('status', status)
  FROM contacts
 WHERE account_id = $1::bigint
   AND audience_id = $2::bigint
   AND address = ANY ($3::text[])
   AND status = 'unconfirmed'
   AND created_at = now()
 ORDER BY id
