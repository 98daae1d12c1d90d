-- Give up deliveries that wait for webhooks that are disabled or gone.
--
-- $1 webhook_ids bigint[]: such webhooks
-- $2 most integer: deliveries
--
-- Locks: the deliveries' rows, skipping those that others hold. Index: ix_webhook_deliveries_due.
UPDATE webhook_deliveries SET status = 'failed', last_error = 'the webhook is disabled'
WHERE id IN (
    SELECT id FROM webhook_deliveries
    WHERE webhook_id = ANY ($1::bigint[]) AND status = 'waiting'
    LIMIT $2::int
    FOR UPDATE SKIP LOCKED
)
