-- Puts tags at the end of contacts'. Who has them all, or would have more than 1000, stays as it is.
-- Locks: the contacts, by id. Index: pk_contacts.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 ids bigint[]: members of it; others are passed over
-- $4 tags text[]: clean, each once
-- -> changed bigint: how many got one
  WITH held AS (
       SELECT id, tags
         FROM contacts
        WHERE id = ANY ($3::bigint[]) AND account_id = $1::bigint AND audience_id = $2::bigint AND removed_at IS NULL
        ORDER BY id
          FOR NO KEY UPDATE
     ), given AS (
       SELECT held.id, ARRAY(SELECT tag FROM unnest($4::text[]) WITH ORDINALITY AS one (tag, position)
                              WHERE tag <> ALL (held.tags) ORDER BY position) AS fresh
         FROM held
     ), changed AS (
       UPDATE contacts
          SET tags = contacts.tags || given.fresh, updated_at = now()
         FROM given
        WHERE contacts.id = given.id
          AND cardinality(given.fresh) > 0
          AND cardinality(contacts.tags) + cardinality(given.fresh) <= 1000
       RETURNING contacts.id, contacts.address, given.fresh
     ), told AS (
       INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)
       SELECT $1::bigint, 'contact.tagged', id, $2::bigint, address, jsonb_build_object('tags', fresh)
         FROM changed
        ORDER BY id
     )
SELECT count(*) AS changed FROM changed
