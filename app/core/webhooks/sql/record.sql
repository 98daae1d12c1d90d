-- Record how tries ended: delivered, to be tried again, or given up.
--
-- The first five arrays are parallel, one element per delivery.
-- $1 ids bigint[]: of deliveries
-- $2 attempts smallint[]: tries that have ended, this one included
-- $3 waits double precision[]: seconds until the next try of one that failed, null: there is none
-- $4 statuses smallint[]: HTTP status, null without an answer
-- $5 errors text[]: what went wrong, empty for success
-- $6 now timestamp with time zone: instead of the clock, or null
--
-- What somebody else has recorded as delivered, or given up, stays so. Locks: the deliveries' rows by id.
-- Index: pk_webhook_deliveries.
WITH locked AS (
    SELECT id FROM webhook_deliveries WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
)
UPDATE webhook_deliveries AS delivery SET
    attempts = greatest(delivery.attempts, given.attempts),
    last_status = given.status,
    last_error = given.error,
    status = CASE WHEN given.error = '' THEN 'delivered' WHEN given.wait IS NULL THEN 'failed' ELSE 'waiting' END,
    due_at = CASE WHEN given.wait IS NULL THEN delivery.due_at
        ELSE coalesce($6::timestamptz, now()) + make_interval(secs => given.wait) END,
    delivered_at = CASE WHEN given.error = '' THEN coalesce($6::timestamptz, now()) END
FROM unnest($1::bigint[], $2::smallint[], $3::float8[], $4::smallint[], $5::text[])
    AS given (id, attempts, wait, status, error), locked
WHERE delivery.id = given.id AND delivery.id = locked.id
    AND (delivery.status = 'waiting' OR (given.error = '' AND delivery.status = 'failed'))
