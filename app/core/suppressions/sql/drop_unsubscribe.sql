-- Takes an address off an account's list if it is there for `unsubscribe` alone, and tells of it.
-- It waits for nobody, because the caller holds contacts: an entry that another transaction holds stays, and so does
-- what that transaction does to the contacts next.
-- Locks: the entry. Index: uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose list
-- $2 address text: trimmed, lower case
  WITH held AS (
       SELECT id
         FROM suppressions
        WHERE account_id = $1::bigint AND address = $2::text AND reason = 'unsubscribe'
          FOR UPDATE SKIP LOCKED
     ), gone AS (
       DELETE FROM suppressions USING held WHERE suppressions.id = held.id
       RETURNING suppressions.address, suppressions.reason
     )
INSERT INTO domain_events (account_id, type, address, data)
SELECT $1::bigint, 'suppression.removed', address, jsonb_build_object('reason', reason)
  FROM gone
