-- Delete refusals that are old, some of them.
--
-- $1 until timestamp with time zone: only those before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: ix_issues_account, pk_issues.
WITH old AS (
    SELECT issues.id
    FROM accounts
    CROSS JOIN LATERAL (
        SELECT id FROM issues
        WHERE account_id = accounts.id AND occurred_at < $1::timestamptz
        ORDER BY occurred_at, id
        LIMIT $2::int
        FOR UPDATE SKIP LOCKED
    ) AS issues
    LIMIT $2::int
), gone AS (
    DELETE FROM issues USING old WHERE issues.id = old.id
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
