-- Take due copies of a run from the queue into a lease: later attempts, and copies that were given back unbegun. The
-- latter get the newest content; a copy that was attempted keeps its own. One that was finished while it waited only
-- leaves the queue.
--
-- $1 run_id bigint: the run
-- $2 host text: the claiming data directory
-- $3 incarnation uuid: the claiming process
-- $4 limit integer: most copies to take
-- $5 lease_seconds double precision: how long the lease is good
-- -> lease_id bigint: the claim
-- -> message_id bigint: a copy
-- -> accepted_at timestamp with time zone: its partition
-- -> accepted_ms smallint: milliseconds of its acceptance
-- -> lane smallint: its lane
-- -> attempt smallint: number of the attempt to make now
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> size integer: octets of the copy, near enough
-- -> recipient text: envelope recipient
-- -> possible_duplicate boolean: whether an earlier attempt is in doubt
-- -> epoch integer: of the run when it was claimed
-- -> content_version integer: what it says
-- -> contact_id bigint: whom it is for
-- -> fields jsonb: values of the contact when it was first claimed
-- -> suppressed text: why it must not be sent any more, null when it may
-- -> test_mode boolean: whether mail of the account never leaves
--
-- Locks: the run, shared, so that a pause comes before or after; the rows taken, skipping those that another claim
-- holds. Index: ix_delivery_queue_run, pk_messages.
WITH run AS (
    SELECT id, account_id, epoch, content_version, content_size
    FROM runs
    WHERE id = $1::bigint AND state = 'sending'
    FOR SHARE
), due AS (
    SELECT message_id
    FROM delivery_queue
    WHERE run_id = (SELECT id FROM run) AND run_id IS NOT NULL AND due_at <= clock_timestamp()
    ORDER BY due_at, message_id
    LIMIT $4::int
    FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM delivery_queue
    USING due
    WHERE delivery_queue.message_id = due.message_id
    RETURNING delivery_queue.message_id, delivery_queue.accepted_at, delivery_queue.lane, delivery_queue.attempt
), copy AS MATERIALIZED (
    SELECT messages.*, taken.lane, taken.attempt
    FROM taken
    JOIN messages ON messages.id = taken.message_id AND messages.accepted_at = taken.accepted_at
    WHERE messages.finished_at IS NULL
), lease AS (
    INSERT INTO delivery_leases (
        host, incarnation, claimed_at, lease_until, run_id, epoch, message_ids, accepted_ats, attempts, lanes
    )
    SELECT $2::text, $3::uuid, clock_timestamp(), clock_timestamp() + make_interval(secs => $5::float8), run.id,
        run.epoch, array_agg(copy.id ORDER BY copy.id), array_agg(copy.accepted_at ORDER BY copy.id),
        array_agg(copy.attempt ORDER BY copy.id), array_agg(copy.lane ORDER BY copy.id)
    FROM copy CROSS JOIN run
    GROUP BY run.id, run.epoch
    RETURNING id
), renewed AS (
    UPDATE messages SET content_version = run.content_version, size = run.content_size
    FROM copy CROSS JOIN run
    WHERE messages.id = copy.id AND messages.accepted_at = copy.accepted_at
      AND messages.attempts = 0 AND messages.content_version <> run.content_version
    RETURNING messages.id
)
SELECT lease.id AS lease_id, copy.id AS message_id, copy.accepted_at, copy.accepted_ms, copy.lane, copy.attempt,
    copy.account_id, copy.sender_id,
    CASE WHEN renewed.id IS NULL THEN copy.size ELSE run.content_size END AS size,
    copy.recipient, copy.possible_duplicate, run.epoch,
    CASE WHEN renewed.id IS NULL THEN copy.content_version ELSE run.content_version END AS content_version,
    copy.contact_id, copy.fields,
    coalesce(suppressions.reason, CASE
        WHEN contacts.id IS NULL OR contacts.removed_at IS NOT NULL THEN 'deleted'
        WHEN contacts.status = 'subscribed' THEN NULL
        WHEN contacts.status = 'spam-reported' THEN 'complaint'
        WHEN contacts.status = 'blacklisted' THEN 'manual'
        ELSE 'unsubscribe' END) AS suppressed,
    coalesce((SELECT test_mode FROM accounts WHERE accounts.id = run.account_id), false) AS test_mode
FROM lease
CROSS JOIN run
CROSS JOIN copy
LEFT JOIN renewed ON renewed.id = copy.id
LEFT JOIN contacts ON contacts.id = copy.contact_id
LEFT JOIN suppressions
    ON suppressions.account_id = copy.account_id AND suppressions.address = lower(copy.recipient)
ORDER BY copy.id
