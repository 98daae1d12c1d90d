-- Delete counts of minutes of copies that are gone, some of them.
--
-- $1 until timestamp with time zone: only those of hours before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: pk_closed_minutes.
WITH old AS (
    SELECT counts.account_id, counts.hour, counts.sender_id
    FROM accounts
    CROSS JOIN LATERAL (
        SELECT account_id, hour, sender_id FROM closed_minutes
        WHERE account_id = accounts.id AND hour < $1::timestamptz
        ORDER BY hour
        LIMIT $2::int
        FOR UPDATE SKIP LOCKED
    ) AS counts
    LIMIT $2::int
), gone AS (
    DELETE FROM closed_minutes AS known USING old
    WHERE (known.account_id, known.hour, known.sender_id) = (old.account_id, old.hour, old.sender_id)
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
