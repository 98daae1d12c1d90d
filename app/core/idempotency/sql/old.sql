-- Deletes answers that are too old, a batch of them.
-- Locks: the rows it deletes; rows that others hold are left. Index: ix_idempotency_keys_created_at.
--
-- $1 until timestamptz: older than this
-- $2 most bigint: rows
-- -> deleted bigint: how many
WITH old AS (
    SELECT account_id, key
      FROM idempotency_keys
     WHERE created_at < $1::timestamptz
     ORDER BY created_at
     LIMIT $2::bigint
       FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM idempotency_keys USING old
     WHERE idempotency_keys.account_id = old.account_id
       AND idempotency_keys.key = old.key
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
