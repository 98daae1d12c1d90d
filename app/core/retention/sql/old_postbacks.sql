-- Delete postbacks that were given up long ago, some of them.
--
-- $1 until timestamp with time zone: only those given up before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: pk_postbacks; those given up are few, and read as a whole.
WITH old AS (
    SELECT id FROM postbacks WHERE given_up_at < $1::timestamptz LIMIT $2::int FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM postbacks USING old WHERE postbacks.id = old.id
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
