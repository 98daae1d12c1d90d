-- Puts what was tallied of automations together, one row each, for those that have many rows.
-- Locks: the tallies it replaces; it leaves out those that another one folds. Index: pk_automation_tallies.
--
-- $1 rows integer: from how many on
-- -> folded bigint: rows that are gone
WITH many AS (
    SELECT automation_id FROM automation_tallies GROUP BY automation_id HAVING count(*) >= $1::integer LIMIT 1000
), held AS (
    SELECT automation_id, id FROM automation_tallies
    WHERE automation_id IN (SELECT automation_id FROM many)
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM automation_tallies AS tally
    USING held
    WHERE tally.automation_id = held.automation_id AND tally.id = held.id
    RETURNING tally.*
), folded AS (
    INSERT INTO automation_tallies (automation_id, entered, finished, stopped)
    SELECT automation_id, sum(entered), sum(finished), sum(stopped) FROM gone GROUP BY automation_id
)
SELECT count(*) AS folded FROM gone
