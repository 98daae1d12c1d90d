-- Runs that have something to send now.
--
-- -> id bigint: of a run
-- -> account_id bigint: owner
-- -> is_fresh boolean: whether targets are left that nobody has claimed, and its pace lets them go
-- -> is_due boolean: whether copies of it wait in the queue whose time has come
--
-- Locks: none. Index: ix_runs_active, ix_delivery_queue_run.
SELECT open.id, open.account_id, open.is_fresh, open.is_due
FROM (
    SELECT runs.id, runs.account_id,
        next_seq <= total
            AND coalesce(runs.next_chunk_at <= clock_timestamp(), true)
            AND coalesce(account_paces.next_chunk_at <= clock_timestamp(), true) AS is_fresh,
        EXISTS (
            SELECT FROM delivery_queue
            WHERE delivery_queue.run_id = runs.id AND delivery_queue.run_id IS NOT NULL
              AND delivery_queue.due_at <= clock_timestamp()
        ) AS is_due
    FROM runs
    LEFT JOIN account_paces ON account_paces.account_id = runs.account_id
    WHERE runs.state = 'sending'
) AS open
WHERE open.is_fresh OR open.is_due
ORDER BY open.account_id, open.id
LIMIT 10000
