-- Adds to the counts of automations.
-- Locks: none.
--
-- All arrays are parallel, one element per automation.
-- $1 automation_ids bigint[]: which
-- $2 finished bigint[]: how many went through all steps
-- $3 stopped bigint[]: how many left before
INSERT INTO automation_tallies (automation_id, finished, stopped)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
