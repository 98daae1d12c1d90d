-- Lets a queued run send to the targets that were just fixed for it, or ends it when there are none; tells the delivery
-- processes, and the outbox. No row: it is not queued any more, and the caller takes its targets back.
-- Locks: the run, at the end of the transaction. Index: primary key of runs.
--
-- $1 run_id bigint: the run
-- $2 total bigint: targets
-- -> state text: sending or done
WITH moved AS (
    UPDATE runs SET
        state = CASE WHEN $2::bigint > 0 THEN 'sending' ELSE 'done' END,
        total = $2::bigint,
        started_at = clock_timestamp(),
        finished_at = CASE WHEN $2::bigint = 0 THEN clock_timestamp() END
    WHERE id = $1::bigint AND state = 'queued'
    RETURNING id, account_id, campaign_id, state, epoch
), counted AS (
    INSERT INTO run_counts (run_id) SELECT id FROM moved ON CONFLICT DO NOTHING
), told AS (
    INSERT INTO domain_events (account_id, type, data)
    SELECT account_id, type,
        jsonb_build_object('campaign_id', campaign_id, 'run_id', id, 'recipients', $2::bigint)
    FROM moved
    CROSS JOIN (VALUES ('campaign.started', 1), ('campaign.finished', 2)) AS event (type, place)
    WHERE state = 'done' OR type = 'campaign.started'
    ORDER BY place
)
SELECT state FROM (SELECT state, pg_notify('runs', id || ':' || epoch) FROM moved) AS noticed
