-- Add to the counters of runs.
--
-- The arrays are parallel.
-- $1 run_ids bigint[]: the runs
-- $2 metrics text[]: as facts.sql calls them
-- $3 changes bigint[]: what is added, or taken away when below zero
--
-- Locks: the counters' rows, by run. Index: pk_run_counts.
INSERT INTO run_counts AS known (
    run_id, delivered, hard_bounces, soft_bounces, blocked, failed, cancelled, deferrals, opens, opened, clicks, clicked, complaints, unsubscribes
)
SELECT run_id,
    coalesce(sum(change) FILTER (WHERE metric = 'delivered'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'hard_bounces'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'soft_bounces'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric LIKE 'blocked%'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'failed'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'cancelled'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'deferred'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'opens'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'unique_opens'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'clicks'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'clicked'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'complaints'), 0)::bigint,
    coalesce(sum(change) FILTER (WHERE metric = 'unsubscribes'), 0)::bigint
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS given (run_id, metric, change)
GROUP BY run_id
ORDER BY run_id
ON CONFLICT (run_id) DO UPDATE SET
    delivered = known.delivered + excluded.delivered,
    hard_bounces = known.hard_bounces + excluded.hard_bounces,
    soft_bounces = known.soft_bounces + excluded.soft_bounces,
    blocked = known.blocked + excluded.blocked,
    failed = known.failed + excluded.failed,
    cancelled = known.cancelled + excluded.cancelled,
    deferrals = known.deferrals + excluded.deferrals,
    opens = known.opens + excluded.opens,
    opened = known.opened + excluded.opened,
    clicks = known.clicks + excluded.clicks,
    clicked = known.clicked + excluded.clicked,
    complaints = known.complaints + excluded.complaints,
    unsubscribes = known.unsubscribes + excluded.unsubscribes
