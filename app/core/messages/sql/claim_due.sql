-- Take due single mails from the queue into a lease, lower lanes first. A copy that was finished while it waited only
-- leaves the queue.
--
-- $1 host text: the claiming data directory
-- $2 incarnation uuid: the claiming process
-- $3 limit integer: most copies to take
-- $4 lease_seconds double precision: how long the lease is good
-- -> lease_id bigint: the claim
-- -> message_id bigint: a copy
-- -> accepted_at timestamp with time zone: its partition
-- -> accepted_ms smallint: milliseconds of its acceptance
-- -> lane smallint: its lane
-- -> attempt smallint: number of the attempt to make now
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> mail_id bigint: content
-- -> size integer: bytes of the content, near enough
-- -> kind text: what made it
-- -> recipient text: envelope recipient
-- -> possible_duplicate boolean: whether an earlier attempt is in doubt
-- -> suppressed text: reason of the suppression that has come up since, null without
-- -> test_mode boolean: whether mail of the account never leaves
--
-- Locks: the rows taken, skipping those that another claim holds. Index: ix_delivery_queue_single, lane by lane, because
-- a plain order by lane and time would pass over everything that is deferred.
WITH due AS (
    SELECT entry.message_id
    FROM unnest(ARRAY[0, 1, 2]::smallint[]) AS lanes (lane)
    CROSS JOIN LATERAL (
        SELECT message_id
        FROM delivery_queue
        WHERE run_id IS NULL AND delivery_queue.lane = lanes.lane AND due_at <= clock_timestamp()
        ORDER BY due_at, message_id
        LIMIT $3::int
        FOR UPDATE SKIP LOCKED
    ) AS entry
    LIMIT $3::int
), taken AS (
    DELETE FROM delivery_queue
    USING due
    WHERE delivery_queue.message_id = due.message_id
    RETURNING delivery_queue.message_id, delivery_queue.accepted_at, delivery_queue.lane, delivery_queue.attempt
), copy AS MATERIALIZED (
    SELECT taken.message_id, taken.accepted_at, messages.accepted_ms, taken.lane, taken.attempt, messages.account_id,
        messages.sender_id, messages.mail_id, messages.size, messages.kind, messages.recipient,
        messages.possible_duplicate
    FROM taken
    JOIN messages ON messages.id = taken.message_id AND messages.accepted_at = taken.accepted_at
    WHERE messages.finished_at IS NULL
), lease AS (
    INSERT INTO delivery_leases (
        host, incarnation, claimed_at, lease_until, message_ids, accepted_ats, attempts, lanes
    )
    SELECT $1::text, $2::uuid, clock_timestamp(), clock_timestamp() + make_interval(secs => $4::float8),
        array_agg(message_id ORDER BY lane, message_id), array_agg(accepted_at ORDER BY lane, message_id),
        array_agg(attempt ORDER BY lane, message_id), array_agg(lane ORDER BY lane, message_id)
    FROM copy
    HAVING count(*) > 0
    RETURNING id
)
SELECT lease.id AS lease_id, copy.*, suppressions.reason AS suppressed, coalesce(accounts.test_mode, false) AS test_mode
FROM lease
CROSS JOIN copy
LEFT JOIN accounts ON accounts.id = copy.account_id
LEFT JOIN suppressions
    ON suppressions.account_id = copy.account_id AND suppressions.address = lower(copy.recipient)
    AND NOT (copy.kind = 'transactional' AND suppressions.reason = 'unsubscribe')
ORDER BY copy.lane, copy.message_id
