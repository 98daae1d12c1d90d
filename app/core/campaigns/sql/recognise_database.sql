-- Notes which database this is. When it is another one than the last time (a restored backup, a dump loaded elsewhere),
-- schedules whose time has passed are paused in the same statement: they may have been carried out after the backup was
-- made. The timeline is that of the log being written, which is right from the moment a restored server takes writes;
-- its control file learns it only with the next checkpoint. The oid of `runs` differs after a dump was loaded.
-- Locks: the row of database_identity, and the runs it pauses. Index: ix_runs_start_at.
--
-- -> changed boolean: one row when it is another database, or seen for the first time
-- -> paused bigint: schedules that were paused
WITH here AS MATERIALIZED (
    SELECT
        (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline,
        (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database_oid,
        'runs'::regclass::oid::bigint AS table_oid
), known AS MATERIALIZED (
    SELECT system_identifier, timeline, database_oid, table_oid FROM database_identity WHERE id = 1 FOR UPDATE
), other AS MATERIALIZED (
    SELECT here.*, known.timeline IS NOT NULL AS moved
    FROM here
    LEFT JOIN known ON true
    WHERE (here.system_identifier, here.timeline, here.database_oid, here.table_oid)
        IS DISTINCT FROM (known.system_identifier, known.timeline, known.database_oid, known.table_oid)
), held AS (
    UPDATE runs SET
        state = 'paused',
        epoch = epoch + 1,
        error = 'this database was restored from a backup or moved, and this schedule, now past, may have been carried '
            'out already; resume to send'
    FROM other
    WHERE other.moved AND state = 'scheduled' AND start_at <= clock_timestamp()
    RETURNING runs.id, runs.account_id, runs.campaign_id, runs.error
), told AS (
    INSERT INTO domain_events (account_id, type, data)
    SELECT account_id, 'campaign.paused',
        jsonb_build_object('campaign_id', campaign_id, 'run_id', id, 'error', error)
    FROM held
), noted AS (
    INSERT INTO database_identity AS identity (id, system_identifier, timeline, database_oid, table_oid)
    SELECT 1, system_identifier, timeline, database_oid, table_oid FROM other
    ON CONFLICT (id) DO UPDATE SET
        system_identifier = excluded.system_identifier, timeline = excluded.timeline,
        database_oid = excluded.database_oid, table_oid = excluded.table_oid, seen_at = now()
)
SELECT true AS changed, (SELECT count(*) FROM held) AS paused FROM other
