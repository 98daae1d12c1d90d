-- Removes the members of an audience that are not among some addresses; they keep everything and may come back.
-- Locks: the contacts it removes. Index: ix_contacts_members.
--
-- $1 audience_id bigint: the audience, held by the caller
-- $2 addresses text[]: who stays; trimmed, lower case
-- -> removed bigint: how many: one row
  WITH removed AS (
       UPDATE contacts
          SET removed_at = now(), updated_at = now()
        WHERE audience_id = $1::bigint
          AND removed_at IS NULL
          AND address <> ALL ($2::text[])
       RETURNING 1
     )
SELECT count(*) AS removed FROM removed
