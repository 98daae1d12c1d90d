-- Cancel the copies of a stopped run that wait in the queue.
--
-- $1 run_id bigint: the run
-- $2 limit integer: most copies at a time
-- -> cancelled bigint: how many there were
--
-- Locks: the run, shared; the rows taken, skipping those that a claim holds; the run's counters. Index:
-- ix_delivery_queue_run, pk_messages.
WITH run AS (
    SELECT id FROM runs WHERE id = $1::bigint AND state = 'stopped' FOR SHARE
), waiting AS (
    SELECT message_id
    FROM delivery_queue
    WHERE run_id = (SELECT id FROM run) AND run_id IS NOT NULL
    ORDER BY due_at, message_id
    LIMIT $2::int
    FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM delivery_queue
    USING waiting
    WHERE delivery_queue.message_id = waiting.message_id
    RETURNING delivery_queue.message_id, delivery_queue.accepted_at
), ledger AS (
    UPDATE messages SET state = 'cancelled', finished_at = clock_timestamp()
    FROM taken
    WHERE messages.id = taken.message_id AND messages.accepted_at = taken.accepted_at
      AND messages.finished_at IS NULL
    RETURNING 1
), counted AS (
    UPDATE run_counts SET cancelled = run_counts.cancelled + ledger.copies
    FROM (SELECT count(*) AS copies FROM ledger) AS ledger
    WHERE run_id = $1::bigint AND ledger.copies > 0
    RETURNING 1
)
SELECT (SELECT count(*) FROM taken) AS cancelled
FROM (SELECT count(*) FROM counted) AS after_counts
