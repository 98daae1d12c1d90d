-- Takes addresses off an account's list, and tells of each.
-- Locks: the entries, in order of address. Index: uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose list
-- $2 addresses text[]: trimmed, lower case
-- -> address text: one row per entry that is gone
  WITH held AS (
       SELECT id
         FROM suppressions
        WHERE account_id = $1::bigint AND address = ANY ($2::text[])
        ORDER BY address
          FOR UPDATE
     ), gone AS (
       DELETE FROM suppressions USING held WHERE suppressions.id = held.id
       RETURNING suppressions.address, suppressions.reason
     ), told AS (
       INSERT INTO domain_events (account_id, type, address, data)
       SELECT $1::bigint, 'suppression.removed', address, jsonb_build_object('reason', reason)
         FROM gone
        ORDER BY address
     )
SELECT address FROM gone
