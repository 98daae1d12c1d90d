-- Deletes runs of automations that were deleted, and who was in them, some at a time.
-- Locks: the rows it deletes; it waits for nobody. Index: ix_automation_runs_listed, pk_automation_entrants.
--
-- $1 most integer: rows of each
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
), held_entrants AS (
    SELECT entrant.automation_id, entrant.contact_id
    FROM automations
    CROSS JOIN LATERAL (
        SELECT automation_id, contact_id FROM automation_entrants
        WHERE automation_id = automations.id
        LIMIT $1::integer
        FOR UPDATE SKIP LOCKED
    ) AS entrant
    WHERE automations.deleted_at IS NOT NULL
    LIMIT $1::integer
), gone_entrants AS (
    DELETE FROM automation_entrants AS entrant
    USING held_entrants AS held
    WHERE (entrant.automation_id, entrant.contact_id) = (held.automation_id, held.contact_id)
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM gone_entrants) AS deleted
