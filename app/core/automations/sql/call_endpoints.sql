-- The endpoints that calls are waiting for, in order, by a walk over the index from each to the next: its cost does not
-- depend on how many calls wait for one.
--
-- $1 after text: endpoints behind this one
-- $2 most integer: endpoints to look at
-- $3 now timestamp with time zone: instead of the clock, or null
-- -> endpoint text: scheme://host:port
-- -> due boolean: whether a call is due
--
-- Locks: none. Index: ix_automation_calls_due.
WITH RECURSIVE walk AS (
    (SELECT endpoint, 1 AS number FROM automation_calls WHERE endpoint > $1::text ORDER BY endpoint LIMIT 1)
    UNION ALL
    SELECT next.endpoint, walk.number + 1
    FROM walk
    CROSS JOIN LATERAL (
        SELECT endpoint FROM automation_calls WHERE endpoint > walk.endpoint ORDER BY endpoint LIMIT 1
    ) AS next
    WHERE walk.number < $2::int
)
SELECT endpoint, EXISTS (
    SELECT FROM automation_calls AS call
    WHERE call.endpoint = walk.endpoint AND call.due_at <= coalesce($3::timestamptz, now())
) AS due
FROM walk
ORDER BY number
