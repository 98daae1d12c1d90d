-- What copies and their links have brought in all, from their opens and clicks: the first is the earliest.
--
-- The arrays are parallel, in order of id.
-- $1 message_ids bigint[]: copies, whose engagements are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
--
-- Locks: the rows of links, by copy and link; those of copies are held. Index: pk_opens, pk_clicks, pk_engagements,
-- pk_link_clicks.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) AS given (message_id, accepted_at)
), looks AS (
    SELECT message_id, accepted_at, count(*)::int AS opens, min(occurred_at) AS opened_at,
        (array_agg(ip ORDER BY occurred_at, ip COLLATE "C"))[1] AS ip
    FROM given
    JOIN opens USING (message_id, accepted_at)
    GROUP BY message_id, accepted_at
), visits AS MATERIALIZED (
    SELECT clicks.* FROM given JOIN clicks USING (message_id, accepted_at)
), visited AS (
    SELECT message_id, accepted_at, count(*)::int AS clicks, min(occurred_at) AS clicked_at
    FROM visits
    GROUP BY message_id, accepted_at
), sums AS (
    UPDATE engagements SET
        opens = coalesce(looks.opens, 0), opened_at = looks.opened_at, open_ip = coalesce(looks.ip, ''),
        clicks = coalesce(visited.clicks, 0), clicked_at = visited.clicked_at
    FROM given
    LEFT JOIN looks USING (message_id, accepted_at)
    LEFT JOIN visited USING (message_id, accepted_at)
    WHERE engagements.message_id = given.message_id AND engagements.accepted_at = given.accepted_at
)
INSERT INTO link_clicks (
    message_id, accepted_at, link, account_id, sender_id, run_id, url, clicks, clicked_at, ip
)
SELECT message_id, accepted_at, link, account_id, sender_id, run_id,
    (array_agg(url ORDER BY occurred_at, url COLLATE "C"))[1], count(*)::int, min(occurred_at),
    (array_agg(ip ORDER BY occurred_at, ip COLLATE "C"))[1]
FROM visits
GROUP BY message_id, accepted_at, link, account_id, sender_id, run_id
ORDER BY message_id, accepted_at, link
ON CONFLICT (message_id, accepted_at, link) DO UPDATE SET
    url = excluded.url, clicks = excluded.clicks, clicked_at = excluded.clicked_at, ip = excluded.ip
