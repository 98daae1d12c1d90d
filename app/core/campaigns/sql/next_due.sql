-- How long it is until the next schedule.
-- Locks: none. Index: ix_runs_start_at.
--
-- -> seconds double precision: below 0 when it is overdue; null without a schedule
SELECT extract(epoch FROM min(start_at) - clock_timestamp())::float8 AS seconds FROM runs WHERE state = 'scheduled'
