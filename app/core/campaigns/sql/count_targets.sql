-- How many addresses a campaign would be sent to if it began now: what a snapshot would fix. An audience has an address
-- only once, so of a single one nothing needs to be sorted.
--
-- $1 account_id bigint: whose suppression list
-- $2 audience_ids bigint[]: of the campaign, each once
-- -> targets bigint: addresses, each once
--
-- Locks: none. Index: ix_contacts_audience, uq_suppressions_account_id_address.
SELECT CASE WHEN cardinality($2::bigint[]) > 1 THEN (
    SELECT count(DISTINCT contact.address)
    FROM contacts AS contact
    WHERE contact.audience_id = ANY ($2::bigint[]) AND contact.status = 'subscribed' AND contact.removed_at IS NULL
      AND NOT EXISTS (
          SELECT FROM suppressions WHERE suppressions.account_id = $1::bigint AND suppressions.address = contact.address
      )
) ELSE (
    SELECT count(*)
    FROM contacts AS contact
    WHERE contact.audience_id = ($2::bigint[])[1] AND contact.status = 'subscribed' AND contact.removed_at IS NULL
      AND NOT EXISTS (
          SELECT FROM suppressions WHERE suppressions.account_id = $1::bigint AND suppressions.address = contact.address
      )
) END AS targets
