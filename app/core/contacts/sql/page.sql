-- Ids of one page of an audience's members by id, walked to from the nearer end: what lies between is counted in the
-- index alone, and the tallies tell how far the other end is.
-- Locks: none. Index: ix_contacts_members, pk_audience_tallies.
--
-- $1 audience_id bigint: the audience, found for its account
-- $2 passed bigint: members before the page
-- $3 most bigint: members of the page
-- -> id bigint: one row per contact, in any order
  WITH members AS MATERIALIZED (
       SELECT COALESCE(sum(delta), 0)::bigint AS total FROM audience_tallies WHERE audience_id = $1::bigint
     )
(SELECT id
   FROM contacts
  WHERE audience_id = $1::bigint AND removed_at IS NULL
  ORDER BY id
 OFFSET $2::bigint
  LIMIT (SELECT CASE WHEN 2 * $2::bigint + $3::bigint <= total THEN $3::bigint ELSE 0 END FROM members))
UNION ALL
(SELECT id
   FROM contacts
  WHERE audience_id = $1::bigint AND removed_at IS NULL
  ORDER BY id DESC
 OFFSET (SELECT greatest(total - $2::bigint - $3::bigint, 0) FROM members)
  LIMIT (SELECT CASE WHEN 2 * $2::bigint + $3::bigint <= total THEN 0
                     ELSE greatest(least($3::bigint, total - $2::bigint), 0) END FROM members))
