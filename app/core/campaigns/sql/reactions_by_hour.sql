-- Opens and clicks of a run by the hour, UTC; hours without any are not there. A copy that was opened once was opened
-- when it was opened first, so of most copies the events need not be looked at.
--
-- $1 run_id bigint: the run
-- $2 limit bigint: how many hours at most, the first ones
-- -> hour timestamptz: its start
-- -> opens bigint: all of them
-- -> clicks bigint: all of them
--
-- Locks: none. Index: ix_engagements_run, pk_opens, pk_clicks.
SELECT hour, sum(opens)::bigint AS opens, sum(clicks)::bigint AS clicks
FROM (
    SELECT date_trunc('hour', opened_at, 'UTC') AS hour, count(*) AS opens, 0 AS clicks
    FROM engagements
    WHERE run_id = $1::bigint AND opens = 1
    GROUP BY 1
    UNION ALL
    SELECT date_trunc('hour', clicked_at, 'UTC'), 0, count(*)
    FROM engagements
    WHERE run_id = $1::bigint AND clicks = 1
    GROUP BY 1
    UNION ALL
    SELECT date_trunc('hour', event.occurred_at, 'UTC'), count(*), 0
    FROM engagements AS copy
    JOIN opens AS event ON event.message_id = copy.message_id AND event.accepted_at = copy.accepted_at
    WHERE copy.run_id = $1::bigint AND copy.opens > 1
    GROUP BY 1
    UNION ALL
    SELECT date_trunc('hour', event.occurred_at, 'UTC'), 0, count(*)
    FROM engagements AS copy
    JOIN clicks AS event ON event.message_id = copy.message_id AND event.accepted_at = copy.accepted_at
    WHERE copy.run_id = $1::bigint AND copy.clicks > 1
    GROUP BY 1
) AS part
GROUP BY hour
ORDER BY hour
LIMIT $2::bigint
