-- Delete runs of automations that ended long ago, some of them; that the contact was in the automation stays noted,
-- unless it was deleted: then it never comes back.
--
-- $1 until timestamp with time zone: only those that ended before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: ix_automation_runs_ended, pk_automation_runs,
-- pk_automation_entrants, pk_contacts.
WITH old AS (
    SELECT id FROM automation_runs
    WHERE ended_at < $1::timestamptz
    ORDER BY ended_at
    LIMIT $2::int
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM automation_runs AS run USING old
    WHERE run.id = old.id
    RETURNING run.automation_id, run.contact_id
), noted AS (
    INSERT INTO automation_entrants (automation_id, contact_id)
    SELECT DISTINCT gone.automation_id, gone.contact_id
    FROM gone
    JOIN contacts ON contacts.id = gone.contact_id
    ON CONFLICT DO NOTHING
)
SELECT count(*) AS deleted FROM gone
