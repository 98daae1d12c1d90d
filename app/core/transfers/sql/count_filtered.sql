-- How many members of an audience meet a filter, and the largest id of its contacts.
-- The filter stands where `true` does behind its name; its parameters follow.
-- Locks: none. Index: ix_contacts_members.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- -> contacts bigint: how many
-- -> last_id bigint: 0 without any
SELECT count(*) AS contacts, COALESCE(max(c.id), 0) AS last_id
  FROM contacts AS c
 WHERE c.account_id = $1::bigint
   AND c.audience_id = $2::bigint
   AND c.removed_at IS NULL
   AND /*filter*/ true
