-- Marks a run that has ended as settled, when nothing of it is left anywhere.
-- Locks: the run. Index: primary key of runs, pk_run_targets, ix_delivery_queue_run, ix_delivery_leases_run_id.
--
-- $1 run_id bigint: the run
-- -> id bigint: the run, if it is settled now
UPDATE runs SET settled = true
WHERE id = $1::bigint AND state IN ('stopped', 'done', 'failed')
  AND NOT EXISTS (SELECT FROM run_targets WHERE run_targets.run_id = runs.id)
  AND NOT EXISTS (SELECT FROM delivery_queue WHERE delivery_queue.run_id = runs.id)
  AND NOT EXISTS (SELECT FROM delivery_leases WHERE delivery_leases.run_id = runs.id)
RETURNING id
