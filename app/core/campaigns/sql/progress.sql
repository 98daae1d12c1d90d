-- What became of a run so far, from its counters and what is in the queue and in leases.
-- Locks: none. Index: pk_run_counts, ix_delivery_queue_run, ix_delivery_leases_run_id.
--
-- $1 run_id bigint: the run
-- -> claimed bigint: copies made
-- -> delivered bigint: taken by a receiving server
-- -> hard_bounces bigint: refused for good
-- -> soft_bounces bigint: given up
-- -> blocked bigint: not sent to people who were suppressed meanwhile
-- -> failed bigint: failed on our side
-- -> cancelled bigint: not sent because it was stopped
-- -> deferrals bigint: attempts that ended in a deferral
-- -> waiting bigint: copies that wait for a further attempt
-- -> under_way bigint: copies in the hand of a delivery process, finished ones of an open lease included
-- -> seconds double precision: since sending began, until it ended; null before
SELECT counts.claimed, counts.delivered, counts.hard_bounces, counts.soft_bounces, counts.blocked, counts.failed,
    counts.cancelled, counts.deferrals,
    (SELECT count(*) FROM delivery_queue WHERE delivery_queue.run_id = runs.id) AS waiting,
    (SELECT coalesce(sum(cardinality(message_ids)), 0) FROM delivery_leases WHERE delivery_leases.run_id = runs.id)
        AS under_way,
    extract(epoch FROM coalesce(finished_at, clock_timestamp()) - started_at)::float8 AS seconds
FROM runs
JOIN run_counts AS counts ON counts.run_id = runs.id
WHERE runs.id = $1::bigint
