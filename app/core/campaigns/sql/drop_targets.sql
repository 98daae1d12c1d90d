-- Deletes some targets of a run that has ended.
-- Locks: the rows it deletes. Index: pk_run_targets.
--
-- $1 run_id bigint: the run
-- $2 limit integer: how many at most
-- -> dropped bigint: how many
WITH dropped AS (
    DELETE FROM run_targets
    WHERE run_id = $1::bigint AND seq IN (
        SELECT seq FROM run_targets WHERE run_id = $1::bigint ORDER BY seq LIMIT $2::integer
    )
    RETURNING 1
)
SELECT count(*) AS dropped FROM dropped
