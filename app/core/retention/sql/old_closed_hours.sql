-- Delete counts of the hours of closed days that are old, some of them.
--
-- $1 until timestamp with time zone: only those of days before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: pk_closed_hours.
WITH old AS (
    SELECT counts.account_id, counts.day, counts.sender_id
    FROM accounts
    CROSS JOIN LATERAL (
        SELECT account_id, day, sender_id FROM closed_hours
        WHERE account_id = accounts.id AND day < ($1::timestamptz AT TIME ZONE 'UTC')::date
        ORDER BY day
        LIMIT $2::int
        FOR UPDATE SKIP LOCKED
    ) AS counts
    LIMIT $2::int
), gone AS (
    DELETE FROM closed_hours AS known USING old
    WHERE (known.account_id, known.day, known.sender_id) = (old.account_id, old.day, old.sender_id)
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
