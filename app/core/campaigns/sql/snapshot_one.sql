-- Fixes whom a run for one audience is for: its subscribed members without a suppression entry, in order of contact.
-- One statement, so one moment. An audience has an address only once.
-- Locks: none on what it reads. Index: ix_contacts_audience, uq_suppressions_account_id_address.
--
-- $1 run_id bigint: the run
-- $2 account_id bigint: whose suppression list
-- $3 audience_id bigint: the audience
INSERT INTO run_targets (run_id, seq, contact_id, audience_id, address)
SELECT $1::bigint, row_number() OVER (ORDER BY contact.id), contact.id, contact.audience_id, contact.address
FROM contacts AS contact
WHERE contact.audience_id = $3::bigint AND contact.status = 'subscribed' AND contact.removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM suppressions WHERE suppressions.account_id = $2::bigint AND suppressions.address = contact.address
  )
ORDER BY contact.id
