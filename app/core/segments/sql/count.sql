-- How many members of an audience meet a filter.
-- The filter stands where `true` does behind its name; its parameters are $3 and those that follow.
-- Locks: none. Index: ix_contacts_members, or that of the filter.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- -> contacts bigint: one row
SELECT count(*) AS contacts
  FROM contacts AS c
 WHERE c.account_id = $1::bigint
   AND c.audience_id = $2::bigint
   AND c.removed_at IS NULL
   AND /*filter*/ true
