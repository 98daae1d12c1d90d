-- Takes tags away from contacts. Who has none of them stays as it is.
-- Locks: the contacts, by id. Index: pk_contacts.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 ids bigint[]: members of it; others are passed over
-- $4 tags text[]: clean, each once
-- -> changed bigint: how many had one
  WITH held AS (
       SELECT id
         FROM contacts
        WHERE id = ANY ($3::bigint[]) AND account_id = $1::bigint AND audience_id = $2::bigint AND removed_at IS NULL
          AND tags && $4::text[]
        ORDER BY id
          FOR NO KEY UPDATE
     ), changed AS (
       UPDATE contacts
          SET updated_at = now(),
              tags = ARRAY(SELECT tag FROM unnest(contacts.tags) WITH ORDINALITY AS one (tag, position)
                            WHERE tag <> ALL ($4::text[]) ORDER BY position)
         FROM held
        WHERE contacts.id = held.id
       RETURNING contacts.id, contacts.address
     ), told AS (
       INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)
       SELECT $1::bigint, 'contact.updated', id, $2::bigint, address, '{"changed": ["tags"]}'::jsonb
         FROM changed
        ORDER BY id
     )
SELECT count(*) AS changed FROM changed
