-- Brings contacts of an audience up to date: values over theirs, tags after theirs, status as it is. Removed ones are
-- members again. A contact that would not change is not written.
-- Locks: the contacts it changes. Index: pk_contacts.
--
-- $1 contact_ids bigint[]: contacts of the account
-- $2 fields text[]: values by tag, as JSON objects
-- $3 tags text[]: of each contact, joined by U+001F
-- $4 update_existing boolean: whether they get the values and tags
UPDATE contacts
   SET fields = CASE WHEN $4::boolean THEN contacts.fields || given.fields ELSE contacts.fields END,
       tags = CASE WHEN $4::boolean
                   THEN contacts.tags || ARRAY(SELECT tag FROM unnest(given.tags) AS tag WHERE tag <> ALL (contacts.tags))
                   ELSE contacts.tags
               END,
       removed_at = NULL, updated_at = now()
  FROM (SELECT id, fields::jsonb, COALESCE(string_to_array(NULLIF(tags, ''), E'\x1f'), '{}') AS tags
          FROM unnest($1::bigint[], $2::text[], $3::text[]) AS row (id, fields, tags)) AS given
 WHERE contacts.id = given.id
   AND (contacts.removed_at IS NOT NULL
        OR $4::boolean AND NOT (contacts.fields @> given.fields AND contacts.tags @> given.tags))
