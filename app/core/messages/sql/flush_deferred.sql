-- Makes a batch of copies that wait for another attempt due now.
-- Locks: the rows, up to the batch; rows that a claim holds are left. Index: none, so it is for people.
--
-- $1 domain text: of the recipients; null: of all
-- $2 most bigint: rows
-- -> flushed bigint: how many
WITH waiting AS (
    SELECT message_id
      FROM delivery_queue
     WHERE attempt > 1
       AND due_at > now()
       AND ($1::text IS NULL OR site = $1::text)
     LIMIT $2::bigint
       FOR UPDATE SKIP LOCKED
), changed AS (
    UPDATE delivery_queue
       SET due_at = now()
      FROM waiting
     WHERE delivery_queue.message_id = waiting.message_id
    RETURNING 1
)
SELECT count(*) AS flushed FROM changed
