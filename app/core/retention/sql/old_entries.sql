-- Delete entries of the audit log that are old, some of them.
--
-- $1 until timestamp with time zone: only those before
-- $2 batch integer: most rows
-- -> deleted bigint: how many
--
-- Locks: the rows that go, which nobody changes. Index: pk_audit_log: ids are in the order of time, so the first tell.
WITH oldest AS (
    SELECT id, occurred_at FROM audit_log ORDER BY id LIMIT $2::int
), gone AS (
    DELETE FROM audit_log AS entry USING oldest
    WHERE entry.id = oldest.id AND oldest.occurred_at < $1::timestamptz
    RETURNING 1
)
SELECT count(*) AS deleted FROM gone
