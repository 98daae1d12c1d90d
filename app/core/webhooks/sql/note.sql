-- Write down since when webhooks fail, or that they do not.
--
-- The first three arrays are parallel, one element per webhook, each once.
-- $1 ids bigint[]: webhooks
-- $2 succeeded boolean[]: whether one of their tries has just succeeded
-- $3 failing boolean[]: whether the last of them failed
-- $4 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: a webhook that fails
-- -> account_id bigint: whose
-- -> spent boolean: whether it has failed for five days
--
-- Locks: the webhooks' rows by id; those for which nothing changes are passed over. Index: pk_webhooks.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::boolean[], $3::boolean[]) AS given (id, succeeded, failing)
), locked AS (
    SELECT webhooks.id FROM webhooks
    JOIN given ON given.id = webhooks.id
    WHERE webhooks.status = 'active' AND (given.failing OR webhooks.failing_since IS NOT NULL)
    ORDER BY webhooks.id
    FOR NO KEY UPDATE OF webhooks
)
UPDATE webhooks SET failing_since = CASE
    WHEN NOT given.failing THEN NULL
    WHEN given.succeeded THEN coalesce($4::timestamptz, now())
    ELSE coalesce(webhooks.failing_since, $4::timestamptz, now()) END
FROM given
JOIN locked ON locked.id = given.id
WHERE webhooks.id = given.id
RETURNING webhooks.id, webhooks.account_id,
    coalesce(webhooks.failing_since <= coalesce($4::timestamptz, now()) - interval '5 days', false) AS spent
