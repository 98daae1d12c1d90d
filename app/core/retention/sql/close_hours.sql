-- Put counts of hours that are over into one row for each sender and day, some of them. What comes later is added to
-- the row that is there.
--
-- $1 until timestamp with time zone: only hours before, the start of one
-- $2 batch integer: most rows
-- -> closed bigint: how many rows
--
-- Locks: the hours that go, unless somebody holds them; one caller at a time. Index: pk_hourly_counts, pk_closed_hours.
WITH old AS (
    SELECT account_id, sender_id, hour
    FROM hourly_counts
    WHERE hour < $1::timestamptz
    ORDER BY account_id, sender_id, hour
    LIMIT $2::int
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM hourly_counts AS known USING old
    WHERE (known.account_id, known.sender_id, known.hour) = (old.account_id, old.sender_id, old.hour)
    RETURNING known.*, (known.hour AT TIME ZONE 'UTC')::date AS day, extract(hour FROM known.hour AT TIME ZONE 'UTC') + 1
        AS number
), parts AS (
    SELECT account_id, sender_id, day, number, accepted, delivered, deferred, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe,
        opens, unique_opens, clicks, unique_clicks, complaints, unsubscribes
    FROM gone
    UNION ALL
    SELECT account_id, sender_id, day, number,
        accepted[number], delivered[number], deferred[number], hard_bounces[number], soft_bounces[number],
        blocked_complaint[number], blocked_hardbounce[number], blocked_manual[number], blocked_softbounce[number],
        blocked_unsubscribe[number],
        opens[number], unique_opens[number], clicks[number], unique_clicks[number], complaints[number],
        unsubscribes[number]
    FROM (SELECT DISTINCT account_id, sender_id, day FROM gone) AS touched
    CROSS JOIN generate_series(1, 24) AS number
    LEFT JOIN closed_hours USING (account_id, day, sender_id)
), numbers AS (
    SELECT account_id, sender_id, day, number, coalesce(sum(accepted), 0)::int AS accepted,
        coalesce(sum(delivered), 0)::int AS delivered, coalesce(sum(deferred), 0)::int AS deferred,
        coalesce(sum(hard_bounces), 0)::int AS hard, coalesce(sum(soft_bounces), 0)::int AS soft,
        coalesce(sum(blocked_complaint), 0)::int AS complaint, coalesce(sum(blocked_hardbounce), 0)::int AS hardbounce,
        coalesce(sum(blocked_manual), 0)::int AS manual, coalesce(sum(blocked_softbounce), 0)::int AS softbounce,
        coalesce(sum(blocked_unsubscribe), 0)::int AS unsubscribe,
        coalesce(sum(opens), 0)::int AS opens, coalesce(sum(unique_opens), 0)::int AS unique_opens,
        coalesce(sum(clicks), 0)::int AS clicks, coalesce(sum(unique_clicks), 0)::int AS unique_clicks,
        coalesce(sum(complaints), 0)::int AS complaints, coalesce(sum(unsubscribes), 0)::int AS unsubscribes
    FROM parts
    GROUP BY account_id, sender_id, day, number
), put AS (
    INSERT INTO closed_hours (
        account_id, sender_id, day, accepted, delivered, deferred, hard_bounces, soft_bounces, blocked,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe,
        opens, unique_opens, clicks, unique_clicks, complaints, unsubscribes)
    SELECT account_id, sender_id, day,
        nullif(array_agg(accepted ORDER BY number), none), nullif(array_agg(delivered ORDER BY number), none),
        nullif(array_agg(deferred ORDER BY number), none), nullif(array_agg(hard ORDER BY number), none),
        nullif(array_agg(soft ORDER BY number), none),
        nullif(array_agg(complaint + hardbounce + manual + softbounce + unsubscribe ORDER BY number), none),
        nullif(array_agg(complaint ORDER BY number), none), nullif(array_agg(hardbounce ORDER BY number), none),
        nullif(array_agg(manual ORDER BY number), none), nullif(array_agg(softbounce ORDER BY number), none),
        nullif(array_agg(unsubscribe ORDER BY number), none), nullif(array_agg(opens ORDER BY number), none),
        nullif(array_agg(unique_opens ORDER BY number), none), nullif(array_agg(clicks ORDER BY number), none),
        nullif(array_agg(unique_clicks ORDER BY number), none), nullif(array_agg(complaints ORDER BY number), none),
        nullif(array_agg(unsubscribes ORDER BY number), none)
    FROM numbers
    CROSS JOIN (SELECT array_fill(0, ARRAY[24]) AS none) AS zeros
    GROUP BY account_id, day, sender_id, none
    ON CONFLICT (account_id, day, sender_id) DO UPDATE SET (
        accepted, delivered, deferred, hard_bounces, soft_bounces, blocked,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe,
        opens, unique_opens, clicks, unique_clicks, complaints, unsubscribes
    ) = (
        excluded.accepted, excluded.delivered, excluded.deferred, excluded.hard_bounces, excluded.soft_bounces,
        excluded.blocked, excluded.blocked_complaint, excluded.blocked_hardbounce, excluded.blocked_manual,
        excluded.blocked_softbounce, excluded.blocked_unsubscribe, excluded.opens, excluded.unique_opens,
        excluded.clicks, excluded.unique_clicks, excluded.complaints, excluded.unsubscribes)
)
SELECT count(*) AS closed FROM gone
