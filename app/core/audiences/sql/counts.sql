-- How many contacts audiences have, by status; members that were removed are left out.
-- Locks: none. Index: ix_contacts_audience.
--
-- $1 audience_ids bigint[]: the audiences, of one account
-- -> audience_id bigint: one row per audience and status that has any
-- -> status text: of app.models.contact.ContactStatus
-- -> contacts bigint: how many
SELECT audience_id, status, count(*) AS contacts
  FROM contacts
 WHERE audience_id = ANY ($1::bigint[])
   AND removed_at IS NULL
 GROUP BY audience_id, status
