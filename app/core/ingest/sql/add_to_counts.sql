-- Add to the counters of hours and days.
--
-- The arrays are parallel.
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: whose
-- $3 hours timestamp with time zone[]: starts of hours
-- $4 metrics text[]: columns
-- $5 changes bigint[]: what is added, or taken away when below zero
--
-- Locks: the counters' rows, hours before days, each in key order. The order is forced: the second step reads a count
-- of what the first wrote. Index: pk_hourly_counts, pk_daily_counts.
WITH changes AS MATERIALIZED (
    SELECT account_id, sender_id, hour,
        coalesce(sum(change) FILTER (WHERE metric = 'accepted'), 0)::int AS accepted,
        coalesce(sum(change) FILTER (WHERE metric = 'delivered'), 0)::int AS delivered,
        coalesce(sum(change) FILTER (WHERE metric = 'deferred'), 0)::int AS deferred,
        coalesce(sum(change) FILTER (WHERE metric = 'hard_bounces'), 0)::int AS hard_bounces,
        coalesce(sum(change) FILTER (WHERE metric = 'soft_bounces'), 0)::int AS soft_bounces,
        coalesce(sum(change) FILTER (WHERE metric = 'blocked_complaint'), 0)::int AS blocked_complaint,
        coalesce(sum(change) FILTER (WHERE metric = 'blocked_hardbounce'), 0)::int AS blocked_hardbounce,
        coalesce(sum(change) FILTER (WHERE metric = 'blocked_manual'), 0)::int AS blocked_manual,
        coalesce(sum(change) FILTER (WHERE metric = 'blocked_softbounce'), 0)::int AS blocked_softbounce,
        coalesce(sum(change) FILTER (WHERE metric = 'blocked_unsubscribe'), 0)::int AS blocked_unsubscribe,
        coalesce(sum(change) FILTER (WHERE metric = 'opens'), 0)::int AS opens,
        coalesce(sum(change) FILTER (WHERE metric = 'unique_opens'), 0)::int AS unique_opens,
        coalesce(sum(change) FILTER (WHERE metric = 'clicks'), 0)::int AS clicks,
        coalesce(sum(change) FILTER (WHERE metric = 'unique_clicks'), 0)::int AS unique_clicks,
        coalesce(sum(change) FILTER (WHERE metric = 'complaints'), 0)::int AS complaints,
        coalesce(sum(change) FILTER (WHERE metric = 'unsubscribes'), 0)::int AS unsubscribes
    FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bigint[])
        AS given (account_id, sender_id, hour, metric, change)
    GROUP BY account_id, sender_id, hour
    ORDER BY account_id, sender_id, hour
), hours AS (
    INSERT INTO hourly_counts AS known (
        account_id, sender_id, hour,
        accepted, delivered, deferred, hard_bounces, soft_bounces, blocked_complaint, blocked_hardbounce,
        blocked_manual, blocked_softbounce, blocked_unsubscribe, opens, unique_opens, clicks, unique_clicks,
        complaints, unsubscribes
    )
    SELECT * FROM changes
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
        accepted = known.accepted + excluded.accepted, delivered = known.delivered + excluded.delivered,
        deferred = known.deferred + excluded.deferred, hard_bounces = known.hard_bounces + excluded.hard_bounces,
        soft_bounces = known.soft_bounces + excluded.soft_bounces,
        blocked_complaint = known.blocked_complaint + excluded.blocked_complaint,
        blocked_hardbounce = known.blocked_hardbounce + excluded.blocked_hardbounce,
        blocked_manual = known.blocked_manual + excluded.blocked_manual,
        blocked_softbounce = known.blocked_softbounce + excluded.blocked_softbounce,
        blocked_unsubscribe = known.blocked_unsubscribe + excluded.blocked_unsubscribe,
        opens = known.opens + excluded.opens, unique_opens = known.unique_opens + excluded.unique_opens,
        clicks = known.clicks + excluded.clicks, unique_clicks = known.unique_clicks + excluded.unique_clicks,
        complaints = known.complaints + excluded.complaints,
        unsubscribes = known.unsubscribes + excluded.unsubscribes
    RETURNING 1
)
INSERT INTO daily_counts AS known (
    account_id, sender_id, day,
    accepted, delivered, deferred, hard_bounces, soft_bounces, blocked_complaint, blocked_hardbounce,
    blocked_manual, blocked_softbounce, blocked_unsubscribe, opens, unique_opens, clicks, unique_clicks,
    complaints, unsubscribes
)
SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date,
    sum(accepted)::int, sum(delivered)::int, sum(deferred)::int, sum(hard_bounces)::int, sum(soft_bounces)::int,
    sum(blocked_complaint)::int, sum(blocked_hardbounce)::int, sum(blocked_manual)::int,
    sum(blocked_softbounce)::int, sum(blocked_unsubscribe)::int, sum(opens)::int, sum(unique_opens)::int,
    sum(clicks)::int, sum(unique_clicks)::int, sum(complaints)::int, sum(unsubscribes)::int
FROM changes
CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
    accepted = known.accepted + excluded.accepted, delivered = known.delivered + excluded.delivered,
    deferred = known.deferred + excluded.deferred, hard_bounces = known.hard_bounces + excluded.hard_bounces,
    soft_bounces = known.soft_bounces + excluded.soft_bounces,
    blocked_complaint = known.blocked_complaint + excluded.blocked_complaint,
    blocked_hardbounce = known.blocked_hardbounce + excluded.blocked_hardbounce,
    blocked_manual = known.blocked_manual + excluded.blocked_manual,
    blocked_softbounce = known.blocked_softbounce + excluded.blocked_softbounce,
    blocked_unsubscribe = known.blocked_unsubscribe + excluded.blocked_unsubscribe,
    opens = known.opens + excluded.opens, unique_opens = known.unique_opens + excluded.unique_opens,
    clicks = known.clicks + excluded.clicks, unique_clicks = known.unique_clicks + excluded.unique_clicks,
    complaints = known.complaints + excluded.complaints,
    unsubscribes = known.unsubscribes + excluded.unsubscribes
