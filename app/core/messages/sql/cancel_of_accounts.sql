-- Cancel single mails of deleted accounts that wait in the queue.
--
-- $1 account_ids bigint[]: the accounts
-- $2 limit integer: most copies at a time
-- -> cancelled bigint: how many there were
--
-- Locks: the rows taken, skipping those that a claim holds; their copies. Index: ix_delivery_queue_single, pk_messages.
WITH waiting AS (
    SELECT entry.message_id
    FROM delivery_queue AS entry
    JOIN messages ON messages.id = entry.message_id AND messages.accepted_at = entry.accepted_at
    WHERE entry.run_id IS NULL AND messages.account_id = ANY ($1::bigint[])
    ORDER BY entry.message_id
    LIMIT $2::int
    FOR UPDATE OF entry SKIP LOCKED
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
)
SELECT (SELECT count(*) FROM taken) AS cancelled
FROM (SELECT count(*) FROM ledger) AS after_ledger
