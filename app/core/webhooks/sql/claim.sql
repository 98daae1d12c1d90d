-- Take deliveries that are due, for each webhook as many as it has room for: their next try is put off by the lease.
--
-- The first two arrays are parallel, one element per webhook.
-- $1 webhook_ids bigint[]: for which
-- $2 rooms integer[]: how many, at most
-- $3 lease_seconds double precision: how long they are ours
-- $4 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: of the delivery
-- -> webhook_id bigint: to which webhook
-- -> account_id bigint: whose
-- -> event_source smallint: kind of row, null for a sample
-- -> event_copy bigint: the copy
-- -> event_row bigint: number within the copy
-- -> event_at timestamp with time zone: partition of the copy, or the event's own moment
-- -> event_id uuid: public id of a sample
-- -> sample jsonb: what a sample tells
-- -> attempts smallint: tries that have ended
-- -> url text: where to
-- -> secrets bytea[]: what signs, the newest first
--
-- Locks: the deliveries' rows, skipping those that others hold. Index: ix_webhook_deliveries_due, pk_webhooks.
WITH taken AS MATERIALIZED (
    SELECT due.id
    FROM unnest($1::bigint[], $2::int[]) AS given (webhook_id, room)
    CROSS JOIN LATERAL (
        SELECT id FROM webhook_deliveries
        WHERE webhook_id = given.webhook_id AND status = 'waiting' AND due_at <= coalesce($4::timestamptz, now())
        ORDER BY due_at, id
        LIMIT given.room
        FOR UPDATE SKIP LOCKED
    ) AS due
)
UPDATE webhook_deliveries AS delivery
SET due_at = coalesce($4::timestamptz, now()) + make_interval(secs => $3::float8)
FROM taken, webhooks AS webhook
WHERE delivery.id = taken.id AND webhook.id = delivery.webhook_id AND webhook.status = 'active'
RETURNING delivery.id, delivery.webhook_id, delivery.account_id, delivery.event_source, delivery.event_copy,
    delivery.event_row, delivery.event_at, delivery.event_id, delivery.sample, delivery.attempts, webhook.url,
    webhook.secret || ARRAY(
        SELECT old.secret FROM unnest(webhook.old_secrets, webhook.old_secrets_until) AS old (secret, until)
        WHERE old.until > coalesce($4::timestamptz, now())
    ) AS secrets
