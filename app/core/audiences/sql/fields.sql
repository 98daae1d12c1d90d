-- The fields of an audience, by creation.
-- Locks: none. Index: uq_audience_fields_audience_id_tag.
--
-- $1 audience_id bigint: the audience
-- -> tag text: its name
-- -> type text: of app.models.audience_field.FieldType
-- -> required boolean: whether a new contact must have it
-- -> default_value text: for new contacts that leave it out, or null
SELECT tag, type, required, default_value
  FROM audience_fields
 WHERE audience_id = $1::bigint
 ORDER BY id
