-- What mail of audiences says about them.
--
-- $1 ids bigint[]: audiences
-- -> id bigint: the audience
-- -> name text: its name
-- -> from_name text: of its sender, null without
-- -> from_email text: of its sender, null without
-- -> contact_information jsonb: what is known of its owner
-- -> tags text[]: of its fields
--
-- Locks: none. Index: pk_audiences, uq_audience_fields_audience_id_tag.
SELECT id, name, from_name, from_email, contact_information,
    ARRAY(SELECT tag FROM audience_fields WHERE audience_fields.audience_id = audiences.id ORDER BY tag) AS tags
FROM audiences
WHERE id = ANY ($1::bigint[])
