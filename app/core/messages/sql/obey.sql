-- Note that a process begins nothing of a run any more that was claimed before an epoch.
--
-- $1 incarnation uuid: the process
-- $2 run_id bigint: the run
-- $3 epoch integer: the newest it knows
--
-- Locks: its leases of the run. Index: ix_delivery_leases_run_id.
UPDATE delivery_leases SET epoch = $3::int
WHERE run_id = $2::bigint AND run_id IS NOT NULL AND incarnation = $1::uuid AND epoch < $3::int
