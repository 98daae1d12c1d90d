-- Takes runs whose time has come, from the automations that have waited longest, from each as many as from the others.
-- Those of automations that are paused, and of accounts that may not act, wait.
-- Locks: the runs it returns, until the end of the transaction; it waits for nobody.
-- Index: ix_automation_runs_due, pk_accounts. An automation without due runs costs a look into the index.
--
-- $1 now timestamp with time zone: null: now
-- $2 most integer: runs
-- $3 automations integer: from how many
-- -> id bigint: one row per run
-- -> automation_id bigint: its automation
-- -> account_id bigint: whose
-- -> contact_id bigint: who is on the way
-- -> position smallint: the step to do
-- -> version integer: of the steps it is one of
-- -> has_left boolean: whether a step of its own unsubscribed the contact
-- -> failures smallint: how often the step could not be done
-- -> failing_since timestamp with time zone: since when, null
-- -> sent jsonb: copies by number of the step
-- -> now timestamp with time zone: the time
WITH ready AS MATERIALIZED (
    SELECT automations.id
    FROM automations
    JOIN accounts ON accounts.id = automations.account_id
    LEFT JOIN accounts AS masters ON masters.id = accounts.parent_id
    CROSS JOIN LATERAL (
        SELECT run.due_at
        FROM automation_runs AS run
        WHERE run.automation_id = automations.id AND run.due_at <= coalesce($1::timestamptz, now())
        ORDER BY run.due_at
        LIMIT 1
    ) AS first
    WHERE automations.status = 'active' AND automations.deleted_at IS NULL
      AND accounts.status = 'active' AND accounts.deleted_at IS NULL
      AND (masters.id IS NULL OR (masters.status = 'active' AND masters.deleted_at IS NULL))
    ORDER BY first.due_at, automations.id
    LIMIT $3::integer
)
SELECT run.id, run.automation_id, run.account_id, run.contact_id, run.position, run.version, run.has_left, run.failures,
    run.failing_since, run.sent, coalesce($1::timestamptz, now()) AS now
FROM ready
CROSS JOIN LATERAL (
    SELECT *
    FROM automation_runs
    WHERE automation_id = ready.id AND due_at <= coalesce($1::timestamptz, now())
    ORDER BY due_at, id
    LIMIT (SELECT greatest($2::integer / count(*), 1) FROM ready)
    FOR UPDATE SKIP LOCKED
) AS run
