-- What the counters say because of these copies: the recount of the audit, for them alone. Taken before and after a
-- change, the difference is what the counters need.
--
-- The arrays are parallel.
-- $1 message_ids bigint[]: copies, which are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 with_bounces boolean: whether their bounces may change
-- $4 with_deferrals boolean: whether their deferrals may change
-- $5 with_visits boolean: whether their opens and clicks may change
-- $6 with_words boolean: whether their complaints and unsubscriptions may change
-- -> account_id bigint: of the counter
-- -> sender_id bigint: of the counter
-- -> run_id bigint: of the counter, null without
-- -> metric text: the column; `clicked`, `failed` and `cancelled` are of runs alone
-- -> hour timestamp with time zone: of the counter; null for what runs alone count
-- -> count bigint: how many
--
-- Locks: none. Index: pk_messages and those of the companions.
SELECT copies.account_id, copies.sender_id, copies.run_id, event.metric,
    CASE WHEN event.metric <> 'clicked' THEN date_trunc('hour', event.at, 'UTC') END AS hour, count(*) AS count
FROM unnest($1::bigint[], $2::timestamptz[]) AS given (id, held_at)
CROSS JOIN LATERAL (
    SELECT * FROM messages WHERE messages.id = given.id AND messages.accepted_at = given.held_at
    OFFSET 0
) AS copies
CROSS JOIN LATERAL (
    SELECT fact.metric, fact.at
    FROM (VALUES
        ('accepted', copies.accepted_at), ('delivered', copies.delivered_at),
        ('blocked_' || CASE copies.blocked_reason WHEN 'deleted' THEN 'manual' ELSE copies.blocked_reason END,
            CASE WHEN copies.blocked_reason IS NOT NULL THEN copies.accepted_at END),
        (CASE WHEN copies.state IN ('failed', 'cancelled') THEN copies.state END, NULL)
    ) AS fact (metric, at)
    WHERE fact.at IS NOT NULL OR fact.metric IN ('failed', 'cancelled')
    UNION ALL
    SELECT bounce_type || '_bounces', bounced_at
    FROM bounces
    WHERE $3::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at
    UNION ALL
    SELECT 'deferred', attempted_at
    FROM attempts
    WHERE $4::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at AND outcome = 'deferred'
      AND (copies.finished_at IS NULL OR attempted_at < copies.finished_at OR copies.state = 'cancelled')
    UNION ALL
    SELECT 'opens', occurred_at
    FROM opens
    WHERE $5::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at
    UNION ALL
    SELECT 'clicks', occurred_at
    FROM clicks
    WHERE $5::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at
    UNION ALL
    SELECT fact.metric, fact.at
    FROM engagements
    CROSS JOIN LATERAL (VALUES ('unique_opens', opened_at), ('clicked', clicked_at)) AS fact (metric, at)
    WHERE $5::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at AND fact.at IS NOT NULL
    UNION ALL
    SELECT 'unique_clicks', clicked_at
    FROM link_clicks
    WHERE $5::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at
    UNION ALL
    SELECT 'complaints', complained_at
    FROM complaints
    WHERE $6::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at
    UNION ALL
    SELECT 'unsubscribes', occurred_at
    FROM unsubscriptions
    WHERE $6::boolean AND message_id = copies.id AND accepted_at = copies.accepted_at
    OFFSET 0
) AS event
GROUP BY 1, 2, 3, 4, 5
