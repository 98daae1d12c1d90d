-- Fixes whom a run for a segment is for: members of its audience the segment holds, subscribed and without a suppression
-- entry, in order of contact. One statement, so one moment. An audience has an address only once.
-- The condition of the segment is put in the place of the line that is marked; its parameters follow these.
-- Locks: none on what it reads. Index: ix_contacts_audience, uq_suppressions_account_id_address, those of the segment.
--
-- $1 run_id bigint: the run
-- $2 account_id bigint: whose suppression list
-- $3 audience_id bigint: the audience
INSERT INTO run_targets (run_id, seq, contact_id, audience_id, address)
SELECT $1::bigint, row_number() OVER (ORDER BY c.id), c.id, c.audience_id, c.address
FROM contacts AS c
WHERE c.audience_id = $3::bigint AND c.status = 'subscribed' AND c.removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM suppressions WHERE suppressions.account_id = $2::bigint AND suppressions.address = c.address
  )
  AND true -- the segment
ORDER BY c.id
