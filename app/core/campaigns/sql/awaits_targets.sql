-- Whether a run waits for its targets, asked once the lock of `lock_snapshot` is held: who held it before may have fixed
-- them since the caller last looked.
-- Locks: none. Index: primary key of runs.
--
-- $1 run_id bigint: the run
-- -> awaits boolean: true when it does
SELECT EXISTS (SELECT FROM runs WHERE id = $1::bigint AND state = 'queued' AND total IS NULL) AS awaits
