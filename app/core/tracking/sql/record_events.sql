-- Record opens and clicks: the events, what they add to their copies and links, and the counters. One statement is one
-- round trip and one transaction.
--
-- All arrays are parallel, one element per event.
-- $1 ids bigint[]: of the events, given before: an event that is there already changes nothing
-- $2 message_ids bigint[]: copies
-- $3 accepted_ats timestamp with time zone[]: their partitions
-- $4 occurred_ats timestamp with time zone[]: when it happened
-- $5 ips text[]: who came, empty unknown
-- $6 user_agents text[]: with which program
-- $7 machines boolean[]: whether a program came by itself
-- $8 links integer[]: number of the link of a click, null for an open
-- $9 urls text[]: where the link led, empty for an open
-- -> events bigint: how many were written
--
-- An event of a copy that does not exist is dropped. A first open or click is exact however many writers there are:
-- the row of the copy or link is held while its number is raised, so what comes back equals what was added here
-- exactly once, for whoever came first. Both are compared by adding up, as a join of two lists of unknown length may
-- well become a nested loop.
--
-- Locks: the rows of copies, then of links, then the counters' rows, runs before hours before days, each in key order.
-- The order is forced: each step reads a count of what the one before it wrote.
-- Index: pk_messages, pk_opens, pk_clicks, pk_engagements, pk_link_clicks.
WITH given AS (
    SELECT given.*, messages.account_id, messages.sender_id, messages.run_id
    FROM unnest(
        $1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::boolean[],
        $8::int[], $9::text[]
    ) AS given (id, message_id, accepted_at, occurred_at, ip, user_agent, machine, link, url)
    JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
), new_opens AS (
    INSERT INTO opens (
        message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip, user_agent, machine
    )
    SELECT message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip, user_agent, machine
    FROM given WHERE link IS NULL ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip
), new_clicks AS (
    INSERT INTO clicks (
        message_id, accepted_at, id, account_id, sender_id, run_id, link, url, occurred_at, ip, user_agent, machine
    )
    SELECT message_id, accepted_at, id, account_id, sender_id, run_id, link, url, occurred_at, ip, user_agent, machine
    FROM given WHERE link IS NOT NULL ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip, link, url
), events AS (
    SELECT *, NULL::int AS link FROM new_opens
    UNION ALL
    SELECT message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip, link FROM new_clicks
), by_copy AS (
    SELECT message_id, accepted_at, account_id, sender_id, run_id,
        (count(*) - count(link))::int AS opens, count(link)::int AS clicks,
        min(occurred_at) FILTER (WHERE link IS NULL) AS opened_at,
        min(occurred_at) FILTER (WHERE link IS NOT NULL) AS clicked_at,
        coalesce((array_agg(ip ORDER BY occurred_at, id) FILTER (WHERE link IS NULL))[1], '') AS open_ip
    FROM events
    GROUP BY message_id, accepted_at, account_id, sender_id, run_id
), copies AS (
    INSERT INTO engagements AS copy (
        message_id, accepted_at, account_id, sender_id, run_id, opens, clicks, opened_at, clicked_at, open_ip
    )
    SELECT * FROM by_copy ORDER BY message_id, accepted_at
    ON CONFLICT (message_id, accepted_at) DO UPDATE SET
        opens = copy.opens + excluded.opens,
        clicks = copy.clicks + excluded.clicks,
        opened_at = coalesce(copy.opened_at, excluded.opened_at),
        clicked_at = coalesce(copy.clicked_at, excluded.clicked_at),
        open_ip = CASE WHEN copy.opened_at IS NULL THEN excluded.open_ip ELSE copy.open_ip END
    RETURNING message_id, accepted_at, account_id, sender_id, run_id, opens, clicks
), by_link AS (
    SELECT message_id, accepted_at, link, account_id, sender_id, run_id,
        (array_agg(url ORDER BY occurred_at, id))[1] AS url, count(*)::int AS clicks,
        min(occurred_at) AS clicked_at, (array_agg(ip ORDER BY occurred_at, id))[1] AS ip
    FROM new_clicks
    CROSS JOIN (SELECT count(*) FROM copies) AS after_copies
    GROUP BY message_id, accepted_at, link, account_id, sender_id, run_id
), links AS (
    INSERT INTO link_clicks AS known (
        message_id, accepted_at, link, account_id, sender_id, run_id, url, clicks, clicked_at, ip
    )
    SELECT * FROM by_link ORDER BY message_id, accepted_at, link
    ON CONFLICT (message_id, accepted_at, link) DO UPDATE SET clicks = known.clicks + excluded.clicks
    RETURNING message_id, accepted_at, link, account_id, sender_id, run_id, clicks
), facts AS (
    SELECT account_id, sender_id, run_id, occurred_at AS at,
        (link IS NULL)::int AS opens, 0 AS opened, (link IS NOT NULL)::int AS clicks, 0 AS clicked, 0 AS links
    FROM events
    UNION ALL
    SELECT account_id, sender_id, run_id, coalesce(max(opened_at), max(clicked_at)),
        0, (max(opens) > 0 AND sum(opens) = 0)::int, 0, (max(clicks) > 0 AND sum(clicks) = 0)::int, 0
    FROM (
        SELECT message_id, accepted_at, account_id, sender_id, run_id, opens, clicks, opened_at, clicked_at
        FROM by_copy
        UNION ALL
        SELECT message_id, accepted_at, account_id, sender_id, run_id, -opens, -clicks, NULL, NULL FROM copies
    ) AS added_and_left
    GROUP BY message_id, accepted_at, account_id, sender_id, run_id
    UNION ALL
    SELECT account_id, sender_id, run_id, max(clicked_at), 0, 0, 0, 0, (sum(clicks) = 0)::int
    FROM (
        SELECT message_id, accepted_at, link, account_id, sender_id, run_id, clicks, clicked_at FROM by_link
        UNION ALL
        SELECT message_id, accepted_at, link, account_id, sender_id, run_id, -clicks, NULL FROM links
    ) AS added_and_left
    GROUP BY message_id, accepted_at, link, account_id, sender_id, run_id
), runs AS (
    INSERT INTO run_counts AS count (run_id, opens, opened, clicks, clicked)
    SELECT run_id, sum(opens), sum(opened), sum(clicks), sum(clicked)
    FROM facts
    WHERE run_id IS NOT NULL
    GROUP BY run_id
    ORDER BY run_id
    ON CONFLICT (run_id) DO UPDATE SET
        opens = count.opens + excluded.opens,
        opened = count.opened + excluded.opened,
        clicks = count.clicks + excluded.clicks,
        clicked = count.clicked + excluded.clicked
    RETURNING 1
), deltas AS (
    SELECT account_id, sender_id, date_trunc('hour', at, 'UTC') AS hour,
        sum(opens)::int AS opens, sum(opened)::int AS unique_opens,
        sum(clicks)::int AS clicks, sum(links)::int AS unique_clicks
    FROM facts
    CROSS JOIN (SELECT count(*) FROM runs) AS after_runs
    GROUP BY account_id, sender_id, date_trunc('hour', at, 'UTC')
), hours AS (
    INSERT INTO hourly_counts AS count (account_id, sender_id, hour, opens, unique_opens, clicks, unique_clicks)
    SELECT * FROM deltas ORDER BY account_id, sender_id, hour
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
        opens = count.opens + excluded.opens,
        unique_opens = count.unique_opens + excluded.unique_opens,
        clicks = count.clicks + excluded.clicks,
        unique_clicks = count.unique_clicks + excluded.unique_clicks
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (account_id, sender_id, day, opens, unique_opens, clicks, unique_clicks)
    SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date,
        sum(opens)::int, sum(unique_opens)::int, sum(clicks)::int, sum(unique_clicks)::int
    FROM deltas
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    GROUP BY account_id, sender_id, (hour AT TIME ZONE 'UTC')::date
    ORDER BY 1, 2, 3
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
        opens = count.opens + excluded.opens,
        unique_opens = count.unique_opens + excluded.unique_opens,
        clicks = count.clicks + excluded.clicks,
        unique_clicks = count.unique_clicks + excluded.unique_clicks
    RETURNING 1
), told AS (
    -- What its account's webhooks ask for; the row of the outbox has the event's own id.
    INSERT INTO domain_events (id, account_id, type, message_id, accepted_at)
    SELECT events.id, account_id, CASE WHEN link IS NULL THEN 'email.opened' ELSE 'email.clicked' END, message_id,
        accepted_at
    FROM (SELECT id, told_events FROM accounts WHERE told_events <> '{}' AND id IN (SELECT account_id FROM events)) AS one
    JOIN events ON account_id = one.id
        AND CASE WHEN link IS NULL THEN 'email.opened' ELSE 'email.clicked' END = ANY (told_events)
    CROSS JOIN (SELECT count(*) FROM days) AS after_days
    RETURNING 1
)
SELECT count(*) AS events
FROM events
CROSS JOIN (SELECT count(*) FROM told) AS after_told
