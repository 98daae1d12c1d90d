-- Ends the runs of which nothing is left to do, and tells so: every target claimed, no copy in the queue or in a lease. One snapshot
-- sees all three, and a claim moves them in one transaction, so nothing can be in between.
-- Locks: the runs it ends. Index: ix_runs_active, ix_delivery_queue_run, ix_delivery_leases_run_id.
--
-- -> id bigint: a run that is done now
WITH moved AS (
    UPDATE runs SET state = 'done', finished_at = clock_timestamp()
    WHERE state = 'sending' AND next_seq > total
      AND NOT EXISTS (SELECT FROM delivery_queue WHERE delivery_queue.run_id = runs.id)
      AND NOT EXISTS (SELECT FROM delivery_leases WHERE delivery_leases.run_id = runs.id)
    RETURNING id, account_id, campaign_id
), told AS (
    INSERT INTO domain_events (account_id, type, data)
    SELECT account_id, 'campaign.finished', jsonb_build_object('campaign_id', campaign_id, 'run_id', id)
    FROM moved
)
SELECT id FROM moved
