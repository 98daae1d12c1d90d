-- Makes contacts unsubscribed. Blacklisted and spam-reported ones keep their status; a blacklisted one will be
-- unsubscribed when its entry of the suppression list goes. The events do not tell the status, because a notice would
-- follow from that.
-- Locks: the contacts, by id. Index: pk_contacts.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 ids bigint[]: members of it; others are passed over
-- -> changed bigint: how many changed their status
  WITH held AS (
       SELECT id, status
         FROM contacts
        WHERE id = ANY ($3::bigint[]) AND account_id = $1::bigint AND audience_id = $2::bigint AND removed_at IS NULL
        ORDER BY id
          FOR NO KEY UPDATE
     ), changed AS (
       UPDATE contacts
          SET status = CASE WHEN held.status = 'blacklisted' THEN held.status ELSE 'unsubscribed' END,
              status_before = CASE WHEN held.status = 'blacklisted' THEN 'unsubscribed' ELSE contacts.status_before END,
              unsubscribed_at = CASE WHEN held.status = 'blacklisted' THEN contacts.unsubscribed_at ELSE now() END,
              updated_at = now()
         FROM held
        WHERE contacts.id = held.id
          AND (held.status IN ('subscribed', 'unconfirmed')
               OR held.status = 'blacklisted' AND contacts.status_before IS DISTINCT FROM 'unsubscribed')
       RETURNING contacts.id, contacts.address, contacts.status, held.status AS was
     ), told AS (
       INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)
       SELECT $1::bigint, 'contact.unsubscribed', id, $2::bigint, address, jsonb_build_object('status_before', was)
         FROM changed
        WHERE status = 'unsubscribed'
        ORDER BY id
     )
SELECT count(*) AS changed FROM changed WHERE status = 'unsubscribed'
