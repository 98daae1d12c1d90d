-- Take a lease from an owner that is gone: a new lease with those of its copies that have no recorded outcome.
--
-- $1 id bigint: the lease
-- $2 incarnation uuid: its owner, to see that it has not changed hands meanwhile
-- $3 host text: the new owner's data directory
-- $4 new_incarnation uuid: the new owner
-- $5 lease_seconds double precision: how long the new lease is good
-- -> lease_id bigint: the new lease
-- -> message_id bigint: a copy without a recorded outcome
-- -> accepted_at timestamp with time zone: its partition
-- -> attempt smallint: the attempt that was claimed
-- -> lane smallint: its lane
--
-- Locks: the lease's row. Index: pk_attempts.
WITH old AS (
    DELETE FROM delivery_leases
    WHERE id = $1::bigint AND incarnation = $2::uuid
    RETURNING id, run_id, epoch, message_ids, accepted_ats, attempts, lanes
), undone AS (
    SELECT item.message_id, item.accepted_at, item.attempt, item.lane, old.run_id, old.epoch
    FROM old
    CROSS JOIN unnest(old.message_ids, old.accepted_ats, old.attempts, old.lanes)
        AS item (message_id, accepted_at, attempt, lane)
    WHERE NOT EXISTS (
        SELECT FROM attempts
        WHERE attempts.message_id = item.message_id AND attempts.accepted_at = item.accepted_at
          AND attempts.attempt = item.attempt AND attempts.lease_id = old.id
    )
), lease AS (
    INSERT INTO delivery_leases (
        host, incarnation, claimed_at, lease_until, run_id, epoch, message_ids, accepted_ats, attempts, lanes
    )
    SELECT $3::text, $4::uuid, clock_timestamp(), clock_timestamp() + make_interval(secs => $5::float8),
        run_id, epoch,
        array_agg(message_id ORDER BY message_id), array_agg(accepted_at ORDER BY message_id),
        array_agg(attempt ORDER BY message_id), array_agg(lane ORDER BY message_id)
    FROM undone
    GROUP BY run_id, epoch
    HAVING count(*) > 0
    RETURNING id
)
SELECT lease.id AS lease_id, undone.message_id, undone.accepted_at, undone.attempt, undone.lane
FROM lease CROSS JOIN undone
