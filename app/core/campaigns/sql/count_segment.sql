-- How many addresses a campaign for a segment would be sent to if it began now: what a snapshot would fix.
-- The condition of the segment is put in the place of the line that is marked; its parameters follow these.
--
-- $1 account_id bigint: whose suppression list
-- $2 audience_id bigint: the audience
-- -> targets bigint: addresses, each once
--
-- Locks: none. Index: ix_contacts_audience, uq_suppressions_account_id_address, those of the segment.
SELECT count(*) AS targets
FROM contacts AS c
WHERE c.audience_id = $2::bigint AND c.status = 'subscribed' AND c.removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM suppressions WHERE suppressions.account_id = $1::bigint AND suppressions.address = c.address
  )
  AND true -- the segment
