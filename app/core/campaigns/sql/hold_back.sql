-- Pauses a run the platform can not go on with for the time being, or fails it; tells the delivery processes, and the
-- outbox.
-- Locks: the run. Index: primary key of runs.
--
-- $1 run_id bigint: the run
-- $2 state text: paused or failed
-- $3 error text: why, for people
-- -> id bigint: the run; no row when it neither is queued nor sends
WITH moved AS (
    UPDATE runs SET
        state = $2::text, epoch = epoch + 1, error = $3::text,
        finished_at = CASE WHEN $2::text = 'failed' THEN clock_timestamp() END
    WHERE id = $1::bigint AND state IN ('queued', 'sending')
    RETURNING id, account_id, campaign_id, epoch
), told AS (
    INSERT INTO domain_events (account_id, type, data)
    SELECT account_id, 'campaign.' || $2::text,
        jsonb_build_object('campaign_id', campaign_id, 'run_id', id, 'error', $3::text)
    FROM moved
)
SELECT id FROM (SELECT id, pg_notify('runs', id || ':' || epoch) FROM moved) AS noticed
