-- Takes the values of a field that is deleted away from the next 10,000 contacts of an audience.
-- Locks: the contacts it changes, in order of id. Index: ix_contacts_members.
--
-- $1 audience_id bigint: the audience
-- $2 tag text: the field
-- $3 after_id bigint: the last contact that has been looked at, 0 in the beginning
-- -> last_id bigint: the last contact that was looked at, null when there was none: one row
  WITH looked_at AS MATERIALIZED (
       SELECT id FROM contacts
        WHERE audience_id = $1::bigint AND id > $3::bigint
        ORDER BY id
        LIMIT 10000
          FOR NO KEY UPDATE
     ), cleared AS (
       UPDATE contacts
          SET fields = contacts.fields - $2::text, updated_at = now()
         FROM looked_at
        WHERE contacts.id = looked_at.id AND contacts.fields ? $2::text
     )
SELECT max(id) AS last_id FROM looked_at
