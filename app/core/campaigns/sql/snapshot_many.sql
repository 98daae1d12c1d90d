-- Fixes whom a run for several audiences is for: subscribed members without a suppression entry, one row per address;
-- the first audience in the campaign's order that holds a subscribed contact of it supplies the contact.
-- One statement, so one moment.
-- Locks: none on what it reads. Index: ix_contacts_audience, uq_suppressions_account_id_address.
--
-- $1 run_id bigint: the run
-- $2 account_id bigint: whose suppression list
-- $3 audience_ids bigint[]: the audiences, in the campaign's order, each once
INSERT INTO run_targets (run_id, seq, contact_id, audience_id, address)
SELECT $1::bigint, row_number() OVER (ORDER BY place, contact_id), contact_id, audience_id, address
FROM (
    SELECT DISTINCT ON (contact.address)
        contact.address, contact.id AS contact_id, contact.audience_id, array_position($3::bigint[], contact.audience_id) AS place
    FROM contacts AS contact
    WHERE contact.audience_id = ANY ($3::bigint[]) AND contact.status = 'subscribed' AND contact.removed_at IS NULL
      AND NOT EXISTS (
          SELECT FROM suppressions WHERE suppressions.account_id = $2::bigint AND suppressions.address = contact.address
      )
    ORDER BY contact.address, place
) AS chosen
ORDER BY place, contact_id
