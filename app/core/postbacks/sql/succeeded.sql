-- Record calls that succeeded: their time goes to the events they told of, and they go.
--
-- $1 ids bigint[]: of calls
-- $2 now timestamp with time zone: instead of the clock, or null
--
-- An unsubscription has the id of its event. A call somebody else has recorded meanwhile is passed over.
-- Locks: the calls' rows by id; then the rows of what they told of, which nobody else changes.
-- Index: pk_postbacks, pk_bounces, pk_messages, pk_complaints, pk_unsubscriptions.
WITH locked AS (
    SELECT id FROM postbacks WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM postbacks USING locked WHERE postbacks.id = locked.id
    RETURNING postbacks.kind, postbacks.event_id, postbacks.message_id, postbacks.accepted_at
), blocked AS (
    UPDATE messages SET postback_at = coalesce($2::timestamptz, now())
    FROM gone
    WHERE gone.kind = 'bounce' AND messages.id = gone.message_id AND messages.accepted_at = gone.accepted_at
        AND messages.blocked_reason IS NOT NULL
), bounced AS (
    UPDATE bounces SET postback_at = coalesce($2::timestamptz, now())
    FROM gone
    WHERE gone.kind = 'bounce' AND bounces.message_id = gone.message_id AND bounces.accepted_at = gone.accepted_at
), complained AS (
    UPDATE complaints SET postback_at = coalesce($2::timestamptz, now())
    FROM gone
    WHERE gone.kind = 'spam' AND complaints.message_id = gone.message_id
        AND complaints.accepted_at = gone.accepted_at
)
UPDATE unsubscriptions SET postback_at = coalesce($2::timestamptz, now())
FROM gone
WHERE gone.kind = 'unsubscribe' AND unsubscriptions.message_id = gone.message_id
    AND unsubscriptions.accepted_at = gone.accepted_at AND unsubscriptions.id = gone.event_id
