-- Delete the seconds of hours that are gone, some of them.
--
-- $1 until timestamp with time zone: only those of hours before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: pk_closed_seconds.
WITH old AS (
    SELECT counts.measure, counts.hour, counts.account_id, counts.sender_id
    FROM unnest(ARRAY['accepted', 'hard_bounces', 'soft_bounces', 'blocked', 'blocked_complaint', 'blocked_hardbounce',
                      'blocked_manual', 'blocked_softbounce', 'blocked_unsubscribe']) AS known (measure)
    CROSS JOIN LATERAL (
        SELECT measure, hour, account_id, sender_id FROM closed_seconds
        WHERE measure = known.measure AND hour < $1::timestamptz
        ORDER BY hour
        LIMIT $2::int
        FOR UPDATE SKIP LOCKED
    ) AS counts
    LIMIT $2::int
), gone AS (
    DELETE FROM closed_seconds AS known USING old
    WHERE (known.measure, known.hour, known.account_id, known.sender_id)
        = (old.measure, old.hour, old.account_id, old.sender_id)
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
