-- How many contacts automations have had: the sums of what was tallied.
--
-- $1 automation_ids bigint[]: which
-- -> automation_id bigint: one of them; none that nobody has entered
-- -> entered bigint: contacts that entered
-- -> finished bigint: those that went through all steps
-- -> stopped bigint: those that left before
--
-- Locks: none. Index: pk_automation_tallies.
SELECT automation_id, sum(entered)::bigint AS entered, sum(finished)::bigint AS finished, sum(stopped)::bigint AS stopped
FROM automation_tallies
WHERE automation_id = ANY ($1::bigint[])
GROUP BY automation_id
