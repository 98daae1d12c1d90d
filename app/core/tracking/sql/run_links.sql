-- Where the links of a version of a run's content lead.
--
-- $1 run_id bigint: the run
-- $2 version integer: the version
-- -> links text[]: targets by link number from 0, which may hold slots
--
-- Locks: none. Index: pk_run_contents.
SELECT links
FROM run_contents
WHERE run_id = $1::bigint AND version = $2::integer
