-- The tracked links of a run, those nobody clicked too, in the order of its contents: each target once, whatever its
-- number in the versions. A target that holds slots is one link wherever it led.
--
-- $1 run_id bigint: the run
-- -> url text: the target
-- -> clicks bigint: all of them
-- -> unique_clicks bigint: copies in which it was clicked
--
-- Locks: none. Index: pk_run_contents, ix_link_clicks_run; with several versions pk_messages.
WITH versions AS MATERIALIZED (
    SELECT version::bigint AS version, links FROM run_contents WHERE run_id = $1::bigint
), clicked AS MATERIALIZED (
    SELECT (SELECT min(version) FROM versions) AS version, link, sum(clicks) AS clicks, count(*) AS copies
    FROM link_clicks
    WHERE run_id = $1::bigint AND (SELECT count(*) FROM versions) = 1
    GROUP BY link
    UNION ALL
    SELECT copy.content_version, click.link, sum(click.clicks), count(*)
    FROM link_clicks AS click
    JOIN messages AS copy ON copy.id = click.message_id AND copy.accepted_at = click.accepted_at
    WHERE click.run_id = $1::bigint AND (SELECT count(*) FROM versions) > 1
    GROUP BY copy.content_version, click.link
)
SELECT target.url, coalesce(sum(clicked.clicks), 0)::bigint AS clicks,
    coalesce(sum(clicked.copies), 0)::bigint AS unique_clicks
FROM versions
CROSS JOIN LATERAL unnest(versions.links) WITH ORDINALITY AS target (url, place)
LEFT JOIN clicked ON clicked.version = versions.version AND clicked.link = target.place - 1
GROUP BY target.url
ORDER BY min(versions.version * 1000000000 + target.place)
