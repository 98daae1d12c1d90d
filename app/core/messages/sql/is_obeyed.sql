-- Whether no process begins anything of a run that was claimed before an epoch.
--
-- $1 run_id bigint: the run
-- $2 epoch integer: the newest
-- -> obeyed boolean: true when every lease of the run knows it
--
-- Locks: none. Index: ix_delivery_leases_run_id.
SELECT NOT EXISTS (
    SELECT FROM delivery_leases
    WHERE run_id = $1::bigint AND run_id IS NOT NULL AND epoch < $2::int
) AS obeyed
