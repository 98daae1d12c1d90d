-- Forget deliveries of 30 days ago, oldest first.
--
-- $1 most integer: deliveries
-- $2 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: a delivery that was forgotten
--
-- Locks: the deliveries' rows, skipping those that others hold. Index: pk_webhook_deliveries: what is old has low ids.
DELETE FROM webhook_deliveries
WHERE id IN (
    SELECT id FROM (SELECT id, created_at FROM webhook_deliveries ORDER BY id LIMIT $1::int FOR UPDATE SKIP LOCKED) AS oldest
    WHERE created_at < coalesce($2::timestamptz, now()) - interval '30 days'
)
RETURNING id
