-- Ids of members of an audience that meet a filter, in some spans of 4096 ids.
-- The filter stands where `true` does behind its name; its parameters are $5 and those that follow.
-- Locks: none. Index: ix_contacts_members.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 spans bigint[]: as spread.sql names them
-- $4 most bigint: how many
-- -> id bigint: one row per contact
SELECT c.id
  FROM unnest($3::bigint[]) AS given (span)
  JOIN contacts AS c ON c.id >= given.span << 12 AND c.id < (given.span + 1) << 12
 WHERE c.account_id = $1::bigint
   AND c.audience_id = $2::bigint
   AND c.removed_at IS NULL
   AND /*filter*/ true
 ORDER BY c.id
 LIMIT $4::bigint
