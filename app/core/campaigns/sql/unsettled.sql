-- Stopped runs of which something may wait still.
-- Locks: none. Index: ix_runs_unsettled.
--
-- $1 limit integer: how many at most
-- -> id bigint: the run
SELECT run.id
FROM runs AS run
WHERE run.state = 'stopped' AND NOT run.settled
  AND EXISTS (SELECT FROM delivery_queue WHERE delivery_queue.run_id = run.id)
ORDER BY run.id
LIMIT $1::integer
