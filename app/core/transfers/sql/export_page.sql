-- Members of an audience that meet a filter, by id, from one on.
-- The filter stands where `true` does behind its name; its parameters follow.
-- Locks: none. Index: ix_contacts_members.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 after_id bigint: behind this one
-- $4 last_id bigint: up to this one
-- $5 most bigint: rows
-- -> id bigint: one row per contact
-- -> address text: of the contact
-- -> status text: of app.models.contact.ContactStatus
-- -> source text: where it came from, or null
-- -> ip_address text: or null
-- -> tags text[]: in order
-- -> fields text: values by tag, as a JSON object
-- -> subscribed_at timestamptz: or null
-- -> unsubscribed_at timestamptz: or null
-- -> created_at timestamptz: when it was made
-- -> updated_at timestamptz: when it changed last
SELECT c.id, c.address, c.status, c.source, c.ip_address, c.tags, c.fields::text AS fields, c.subscribed_at,
       c.unsubscribed_at, c.created_at, c.updated_at
  FROM contacts AS c
 WHERE c.account_id = $1::bigint
   AND c.audience_id = $2::bigint
   AND c.removed_at IS NULL
   AND c.id > $3::bigint
   AND c.id <= $4::bigint
   AND /*filter*/ true
 ORDER BY c.id
 LIMIT $5::bigint
