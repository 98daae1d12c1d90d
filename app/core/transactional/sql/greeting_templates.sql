-- Contents of templates.
--
-- $1 ids bigint[]: templates
-- -> id bigint: the template
-- -> subject text: may be empty
-- -> html text: may be empty
-- -> text text: null: derived from the HTML
--
-- Locks: none. Index: pk_templates.
SELECT id, subject, html, text
FROM templates
WHERE id = ANY ($1::bigint[])
