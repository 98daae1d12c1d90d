-- How many members an audience has, but no more than are worth counting.
-- Locks: none. Index: ix_contacts_members.
--
-- $1 audience_id bigint: the audience
-- $2 most bigint: where counting ends
-- -> members bigint: one row
SELECT count(*) AS members
  FROM (SELECT FROM contacts
         WHERE audience_id = $1::bigint AND removed_at IS NULL
         LIMIT $2::bigint) AS members
