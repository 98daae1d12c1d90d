-- Delete counts of days that are old, some of them.
--
-- $1 until timestamp with time zone: only those of days before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: ix_daily_counts_day, pk_daily_counts.
WITH old AS (
    SELECT counts.account_id, counts.sender_id, counts.day
    FROM accounts
    CROSS JOIN LATERAL (
        SELECT account_id, sender_id, day FROM daily_counts
        WHERE account_id = accounts.id AND day < ($1::timestamptz AT TIME ZONE 'UTC')::date
        ORDER BY day
        LIMIT $2::int
        FOR UPDATE SKIP LOCKED
    ) AS counts
    LIMIT $2::int
), gone AS (
    DELETE FROM daily_counts AS known USING old
    WHERE (known.account_id, known.sender_id, known.day) = (old.account_id, old.sender_id, old.day)
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
