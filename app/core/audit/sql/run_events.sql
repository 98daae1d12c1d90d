-- What happened to the copies of runs, counted from bounces, attempts and what recipients did, and what the counters of
-- the runs say.
--
-- A deferral counts unless the copy was finished before, or by that attempt, because its time was over.
--
-- $1 run_ids bigint[]: the runs
-- -> run_id bigint: a run
-- -> hard_bounces bigint: counted
-- -> soft_bounces bigint: counted
-- -> deferrals bigint: counted
-- -> opens bigint: counted
-- -> opened bigint: counted
-- -> clicks bigint: counted
-- -> clicked bigint: counted
-- -> complaints bigint: counted
-- -> unsubscribes bigint: counted
-- -> stored_claimed bigint: noted, 0 without a row, like the next thirteen
-- -> stored_delivered bigint: noted
-- -> stored_hard_bounces bigint: noted
-- -> stored_soft_bounces bigint: noted
-- -> stored_blocked bigint: noted
-- -> stored_failed bigint: noted
-- -> stored_cancelled bigint: noted
-- -> stored_deferrals bigint: noted
-- -> stored_opens bigint: noted
-- -> stored_opened bigint: noted
-- -> stored_clicks bigint: noted
-- -> stored_clicked bigint: noted
-- -> stored_complaints bigint: noted
-- -> stored_unsubscribes bigint: noted
--
-- Locks: none. Index: ix_messages_run, pk_bounces, pk_attempts, pk_opens,
-- pk_clicks, ix_engagements_run, pk_complaints, pk_unsubscriptions.
WITH reports AS (
    SELECT messages.run_id,
        count(*) FILTER (WHERE bounces.bounce_type = 'hard') AS hard_bounces,
        count(*) FILTER (WHERE bounces.bounce_type = 'soft') AS soft_bounces
    FROM messages
    JOIN bounces ON bounces.message_id = messages.id AND bounces.accepted_at = messages.accepted_at
    WHERE messages.run_id = ANY ($1::bigint[])
    GROUP BY messages.run_id
), tries AS (
    SELECT messages.run_id, count(*) AS deferrals
    FROM messages
    JOIN attempts ON attempts.message_id = messages.id AND attempts.accepted_at = messages.accepted_at
    WHERE messages.run_id = ANY ($1::bigint[]) AND attempts.outcome = 'deferred'
      AND (messages.finished_at IS NULL OR attempts.attempted_at < messages.finished_at
        OR messages.state = 'cancelled')
    GROUP BY messages.run_id
), acts AS (
    SELECT messages.run_id, 'opens' AS kind
    FROM messages
    JOIN opens ON opens.message_id = messages.id AND opens.accepted_at = messages.accepted_at
    WHERE messages.run_id = ANY ($1::bigint[])
    UNION ALL
    SELECT messages.run_id, 'clicks'
    FROM messages
    JOIN clicks ON clicks.message_id = messages.id AND clicks.accepted_at = messages.accepted_at
    WHERE messages.run_id = ANY ($1::bigint[])
    UNION ALL
    SELECT messages.run_id, 'complaints'
    FROM messages
    JOIN complaints ON complaints.message_id = messages.id AND complaints.accepted_at = messages.accepted_at
    WHERE messages.run_id = ANY ($1::bigint[])
    UNION ALL
    SELECT messages.run_id, 'unsubscriptions'
    FROM messages
    JOIN unsubscriptions ON unsubscriptions.message_id = messages.id AND unsubscriptions.accepted_at = messages.accepted_at
    WHERE messages.run_id = ANY ($1::bigint[])
), visits AS (
    SELECT run_id,
        count(*) FILTER (WHERE kind = 'opens') AS opens,
        count(*) FILTER (WHERE kind = 'clicks') AS clicks,
        count(*) FILTER (WHERE kind = 'complaints') AS complaints,
        count(*) FILTER (WHERE kind = 'unsubscriptions') AS unsubscribes
    FROM acts
    GROUP BY run_id
), firsts AS (
    SELECT run_id, count(opened_at) AS opened, count(clicked_at) AS clicked
    FROM engagements
    WHERE run_id = ANY ($1::bigint[])
    GROUP BY run_id
)
SELECT given.run_id,
    coalesce(reports.hard_bounces, 0) AS hard_bounces,
    coalesce(reports.soft_bounces, 0) AS soft_bounces,
    coalesce(tries.deferrals, 0) AS deferrals,
    coalesce(visits.opens, 0) AS opens,
    coalesce(firsts.opened, 0) AS opened,
    coalesce(visits.clicks, 0) AS clicks,
    coalesce(firsts.clicked, 0) AS clicked,
    coalesce(visits.complaints, 0) AS complaints,
    coalesce(visits.unsubscribes, 0) AS unsubscribes,
    coalesce(run_counts.claimed, 0) AS stored_claimed,
    coalesce(run_counts.delivered, 0) AS stored_delivered,
    coalesce(run_counts.hard_bounces, 0) AS stored_hard_bounces,
    coalesce(run_counts.soft_bounces, 0) AS stored_soft_bounces,
    coalesce(run_counts.blocked, 0) AS stored_blocked,
    coalesce(run_counts.failed, 0) AS stored_failed,
    coalesce(run_counts.cancelled, 0) AS stored_cancelled,
    coalesce(run_counts.deferrals, 0) AS stored_deferrals,
    coalesce(run_counts.opens, 0) AS stored_opens,
    coalesce(run_counts.opened, 0) AS stored_opened,
    coalesce(run_counts.clicks, 0) AS stored_clicks,
    coalesce(run_counts.clicked, 0) AS stored_clicked,
    coalesce(run_counts.complaints, 0) AS stored_complaints,
    coalesce(run_counts.unsubscribes, 0) AS stored_unsubscribes
FROM unnest($1::bigint[]) AS given (run_id)
LEFT JOIN reports ON reports.run_id = given.run_id
LEFT JOIN tries ON tries.run_id = given.run_id
LEFT JOIN visits ON visits.run_id = given.run_id
LEFT JOIN firsts ON firsts.run_id = given.run_id
LEFT JOIN run_counts ON run_counts.run_id = given.run_id
