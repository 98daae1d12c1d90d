-- Ids of members of an audience that meet a filter, in an order, from one of them on.
-- The filter, what comes behind the last one shown and the order stand where `true` and `c.id` do behind their names;
-- their parameters are $4 and those that follow.
-- Locks: none. Index: ix_contacts_created, ix_contacts_updated or uq_contacts_account_id_address_audience_id.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 most bigint: how many
-- -> id bigint: one row per contact
SELECT c.id
  FROM contacts AS c
 WHERE c.account_id = $1::bigint
   AND c.audience_id = $2::bigint
   AND c.removed_at IS NULL
   AND /*behind*/ true
   AND /*filter*/ true
 ORDER BY /*order*/ c.id
 LIMIT $3::bigint
