-- Brings contacts of an audience up to date: values over theirs, tags after theirs, status as it is. Removed ones are
-- members again. A contact that would not change is not written.
-- Locks: the contacts it changes. Index: uq_contacts_account_id_address_audience_id.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 addresses text[]: trimmed, lower case
-- $4 fields text[]: values by tag, as JSON objects
-- $5 tags text[]: of each contact, joined by U+001F
-- $6 update_existing boolean: whether they get the values and tags
UPDATE contacts
   SET fields = CASE WHEN $6::boolean THEN contacts.fields || given.fields ELSE contacts.fields END,
       tags = CASE WHEN $6::boolean
                   THEN contacts.tags || ARRAY(SELECT tag FROM unnest(given.tags) AS tag WHERE tag <> ALL (contacts.tags))
                   ELSE contacts.tags
               END,
       removed_at = NULL, updated_at = now()
  FROM (SELECT address, fields::jsonb, COALESCE(string_to_array(NULLIF(tags, ''), E'\x1f'), '{}') AS tags
          FROM unnest($3::text[], $4::text[], $5::text[]) AS row (address, fields, tags)) AS given
 WHERE contacts.account_id = $1::bigint
   AND contacts.audience_id = $2::bigint
   AND contacts.address = given.address
   AND (contacts.removed_at IS NOT NULL
        OR $6::boolean AND NOT (contacts.fields @> given.fields AND contacts.tags @> given.tags))
