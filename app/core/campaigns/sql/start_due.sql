-- Starts the runs whose time has come by the database's clock. The state moves in the same statement, so a run starts
-- once, whoever asks and whatever the clock does. One that a person is changing right now is found the next time.
-- Locks: the runs it starts. Index: ix_runs_start_at.
--
-- $1 limit integer: how many at most
-- -> id bigint: a run that is queued now
UPDATE runs SET state = 'queued'
WHERE id IN (
    SELECT id FROM runs
    WHERE state = 'scheduled' AND start_at <= clock_timestamp()
    ORDER BY start_at
    LIMIT $1::integer
    FOR UPDATE SKIP LOCKED
)
RETURNING id
