-- Take calls that are due, from each endpoint as many as it has room for: their next try is put off by the lease.
--
-- The first two arrays are parallel, one element per endpoint.
-- $1 endpoints text[]: whose calls
-- $2 rooms integer[]: how many, at most
-- $3 lease_seconds double precision: how long they are ours
-- $4 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: of the call
-- -> account_id bigint: whose event
-- -> kind text: which URL
-- -> event_id bigint: the domain event
-- -> url text: complete
-- -> endpoint text: scheme://host:port
-- -> attempts smallint: tries that have ended
-- -> wanted boolean: whether the account still wants to be told
--
-- Locks: the calls' rows, skipping those that others hold. Index: ix_postbacks_due.
WITH taken AS MATERIALIZED (
    SELECT call.id
    FROM unnest($1::text[], $2::int[]) AS given (endpoint, room)
    CROSS JOIN LATERAL (
        SELECT id FROM postbacks
        WHERE endpoint = given.endpoint AND given_up_at IS NULL AND due_at <= coalesce($4::timestamptz, now())
        ORDER BY due_at, id
        LIMIT given.room
        FOR UPDATE SKIP LOCKED
    ) AS call
)
UPDATE postbacks SET due_at = coalesce($4::timestamptz, now()) + make_interval(secs => $3::float8)
FROM taken, accounts
WHERE postbacks.id = taken.id AND accounts.id = postbacks.account_id
RETURNING postbacks.id, postbacks.account_id, postbacks.kind, postbacks.event_id, postbacks.url, postbacks.endpoint,
    postbacks.attempts,
    accounts.status = 'active' AND accounts.deleted_at IS NULL AND CASE postbacks.kind
        WHEN 'bounce' THEN accounts.bounce_url_active
        WHEN 'spam' THEN accounts.complaint_url_active
        ELSE accounts.unsubscribe_url_active END AS wanted
