-- Give copies of a lease back to the queue, as if they had not been claimed.
--
-- $1 lease_id bigint: the claim
-- $2 message_ids bigint[]: copies that were not begun
-- $3 after_seconds double precision[]: of each, not before so long from now
-- -> message_id bigint: a copy that is in the queue again
--
-- Locks: the lease's row. Index: pk_delivery_leases.
WITH lease AS (
    SELECT id, run_id, message_ids, accepted_ats, attempts, lanes
    FROM delivery_leases
    WHERE id = $1::bigint
    FOR UPDATE
), held AS (
    SELECT item.message_id, item.accepted_at, item.attempt, item.lane, lease.run_id,
        given.message_id IS NOT NULL AS back, given.after_seconds
    FROM lease
    CROSS JOIN unnest(lease.message_ids, lease.accepted_ats, lease.attempts, lease.lanes)
        AS item (message_id, accepted_at, attempt, lane)
    LEFT JOIN unnest($2::bigint[], $3::float8[]) AS given (message_id, after_seconds)
        ON given.message_id = item.message_id
), queue AS (
    INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site, run_id)
    SELECT held.message_id, held.accepted_at, clock_timestamp() + make_interval(secs => held.after_seconds), held.lane,
        held.attempt, split_part(lower(messages.recipient), '@', -1), held.run_id
    FROM held
    JOIN messages ON messages.id = held.message_id AND messages.accepted_at = held.accepted_at
    WHERE held.back AND messages.finished_at IS NULL
    ON CONFLICT DO NOTHING
    RETURNING message_id
), shrunk AS (
    UPDATE delivery_leases SET
        message_ids = kept.message_ids, accepted_ats = kept.accepted_ats, attempts = kept.attempts, lanes = kept.lanes
    FROM (
        SELECT coalesce(array_agg(message_id ORDER BY message_id), '{}') AS message_ids,
            coalesce(array_agg(accepted_at ORDER BY message_id), '{}') AS accepted_ats,
            coalesce(array_agg(attempt ORDER BY message_id), '{}') AS attempts,
            coalesce(array_agg(lane ORDER BY message_id), '{}') AS lanes
        FROM held
        WHERE NOT back
    ) AS kept
    WHERE delivery_leases.id = $1::bigint
)
SELECT message_id FROM queue
