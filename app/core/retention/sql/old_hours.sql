-- Delete counts of hours that are old, some of them.
--
-- $1 until timestamp with time zone: only those of hours before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: ix_hourly_counts_hour, pk_hourly_counts.
WITH old AS (
    SELECT counts.account_id, counts.sender_id, counts.hour
    FROM accounts
    CROSS JOIN LATERAL (
        SELECT account_id, sender_id, hour FROM hourly_counts
        WHERE account_id = accounts.id AND hour < $1::timestamptz
        ORDER BY hour
        LIMIT $2::int
        FOR UPDATE SKIP LOCKED
    ) AS counts
    LIMIT $2::int
), gone AS (
    DELETE FROM hourly_counts AS known USING old
    WHERE (known.account_id, known.sender_id, known.hour) = (old.account_id, old.sender_id, old.hour)
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
