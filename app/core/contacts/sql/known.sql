-- Which of some addresses an audience has, removed contacts included.
-- Locks: none. Index: uq_contacts_account_id_address_audience_id.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 addresses text[]: trimmed, lower case
-- -> address text: one row per contact
SELECT address
  FROM contacts
 WHERE account_id = $1::bigint
   AND audience_id = $2::bigint
   AND address = ANY ($3::text[])
