-- Deletes runs of automations that were deleted, some at a time.
-- Locks: the runs it deletes; it waits for nobody. Index: ix_automation_runs_listed.
--
-- $1 most integer: rows
-- -> deleted bigint: how many
WITH held AS (
    SELECT run.id
    FROM automations
    CROSS JOIN LATERAL (
        SELECT id FROM automation_runs WHERE automation_id = automations.id LIMIT $1::integer FOR UPDATE SKIP LOCKED
    ) AS run
    WHERE automations.deleted_at IS NOT NULL
    LIMIT $1::integer
), gone AS (
    DELETE FROM automation_runs USING held WHERE automation_runs.id = held.id RETURNING 1
)
SELECT count(*) AS deleted FROM gone
