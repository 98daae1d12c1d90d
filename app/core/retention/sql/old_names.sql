-- Delete names of copies that another system sent and that are old, some of them.
--
-- $1 until timestamp with time zone: only of copies accepted before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, unless somebody holds them. Index: ix_foreign_email_ids_accepted_at, pk_foreign_email_ids.
WITH old AS (
    SELECT account_id, email_id FROM foreign_email_ids
    WHERE accepted_at < $1::timestamptz
    ORDER BY accepted_at
    LIMIT $2::int
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM foreign_email_ids AS known USING old
    WHERE known.account_id = old.account_id AND known.email_id = old.email_id
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
