-- Take copies out of the queue that are finished now.
--
-- $1 message_ids bigint[]: copies, which are held
--
-- Locks: what they have in the queue, unless somebody holds that. Index: pk_delivery_queue.
DELETE FROM delivery_queue USING (
    SELECT message_id FROM delivery_queue WHERE message_id = ANY ($1::bigint[]) FOR UPDATE SKIP LOCKED
) AS moot
WHERE delivery_queue.message_id = moot.message_id
