-- How many contacts audiences have, by status: the sum of what every statement changed. Members that were removed are
-- left out.
-- Locks: none. Index: pk_audience_tallies.
--
-- $1 audience_ids bigint[]: the audiences, of one account
-- -> audience_id bigint: one row per audience and status that has any
-- -> status text: of app.models.contact.ContactStatus
-- -> contacts bigint: how many
SELECT audience_id, status, sum(delta)::bigint AS contacts
  FROM audience_tallies
 WHERE audience_id = ANY ($1::bigint[])
 GROUP BY audience_id, status
