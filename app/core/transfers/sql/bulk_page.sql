-- Ids of members of an audience that meet a filter, from one on.
-- The filter stands where `true` does behind its name; its parameters follow.
-- Locks: none. Index: ix_contacts_members.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 after_id bigint: behind this one
-- $4 last_id bigint: up to this one
-- $5 most bigint: rows
-- -> id bigint: one row per contact, by id
SELECT c.id
  FROM contacts AS c
 WHERE c.account_id = $1::bigint
   AND c.audience_id = $2::bigint
   AND c.removed_at IS NULL
   AND c.id > $3::bigint
   AND c.id <= $4::bigint
   AND /*filter*/ true
 ORDER BY c.id
 LIMIT $5::bigint
