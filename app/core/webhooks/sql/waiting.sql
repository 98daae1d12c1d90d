-- The webhooks that deliveries are waiting for, in order, by a walk over the index from each to the next: its cost does
-- not depend on how many deliveries wait for one.
--
-- $1 after bigint: webhooks behind this one
-- $2 most integer: webhooks to look at
-- $3 now timestamp with time zone: instead of the clock, or null
-- -> webhook_id bigint: the webhook
-- -> due boolean: whether a delivery is due
-- -> wanted boolean: whether the webhook is there and active, and its account too
--
-- Locks: none. Index: ix_webhook_deliveries_due, pk_webhooks, pk_accounts.
WITH RECURSIVE walk AS (
    (
        SELECT webhook_id, 1 AS number FROM webhook_deliveries
        WHERE status = 'waiting' AND webhook_id > $1::bigint
        ORDER BY webhook_id
        LIMIT 1
    )
    UNION ALL
    SELECT next.webhook_id, walk.number + 1
    FROM walk
    CROSS JOIN LATERAL (
        SELECT webhook_id FROM webhook_deliveries
        WHERE status = 'waiting' AND webhook_id > walk.webhook_id
        ORDER BY webhook_id
        LIMIT 1
    ) AS next
    WHERE walk.number < $2::int
)
SELECT webhook_id,
    EXISTS (
        SELECT FROM webhook_deliveries
        WHERE webhook_deliveries.webhook_id = walk.webhook_id AND status = 'waiting'
            AND due_at <= coalesce($3::timestamptz, now())
    ) AS due,
    EXISTS (
        SELECT FROM webhooks
        JOIN accounts ON accounts.id = webhooks.account_id AND accounts.status = 'active' AND accounts.deleted_at IS NULL
        WHERE webhooks.id = walk.webhook_id AND webhooks.status = 'active'
    ) AS wanted
FROM walk
ORDER BY number
