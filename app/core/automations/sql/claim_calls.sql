-- Takes calls that are due, from each endpoint as many as it has room for: their next try is put off by the lease.
--
-- The first two arrays are parallel, one element per endpoint.
-- $1 endpoints text[]: whose calls
-- $2 rooms integer[]: how many, at most
-- $3 lease_seconds double precision: how long they are ours
-- $4 now timestamp with time zone: instead of the clock, or null
-- -> id bigint: one row per call
-- -> account_id bigint: whose
-- -> run_id bigint: for which run
-- -> name text: the same on every try
-- -> url text: what to call
-- -> endpoint text: its scheme, host and port
-- -> body text: JSON
-- -> attempts smallint: tries that have ended
--
-- Locks: the calls' rows, skipping those that others hold. Index: ix_automation_calls_due.
WITH taken AS MATERIALIZED (
    SELECT call.id
    FROM unnest($1::text[], $2::int[]) AS given (endpoint, room)
    CROSS JOIN LATERAL (
        SELECT id FROM automation_calls
        WHERE endpoint = given.endpoint AND due_at <= coalesce($4::timestamptz, now())
        ORDER BY due_at, id
        LIMIT given.room
        FOR UPDATE SKIP LOCKED
    ) AS call
)
UPDATE automation_calls AS call
SET due_at = coalesce($4::timestamptz, now()) + make_interval(secs => $3::float8)
FROM taken
WHERE call.id = taken.id
RETURNING call.id, call.account_id, call.run_id, call.name, call.url, call.endpoint, call.body, call.attempts
