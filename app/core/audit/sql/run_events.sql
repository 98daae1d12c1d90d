-- What happened to the copies of runs, counted from bounces and attempts, and what the counters of the runs say.
--
-- A deferral counts unless the copy was finished before, or by that attempt, because its time was over.
--
-- $1 run_ids bigint[]: the runs
-- -> run_id bigint: a run
-- -> hard_bounces bigint: counted
-- -> soft_bounces bigint: counted
-- -> deferrals bigint: counted
-- -> stored_claimed bigint: noted, 0 without a row, like the next seven
-- -> stored_delivered bigint: noted
-- -> stored_hard_bounces bigint: noted
-- -> stored_soft_bounces bigint: noted
-- -> stored_blocked bigint: noted
-- -> stored_failed bigint: noted
-- -> stored_cancelled bigint: noted
-- -> stored_deferrals bigint: noted
--
-- Locks: none. Index: ix_messages_run, pk_bounces, pk_attempts.
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
)
SELECT given.run_id,
    coalesce(reports.hard_bounces, 0) AS hard_bounces,
    coalesce(reports.soft_bounces, 0) AS soft_bounces,
    coalesce(tries.deferrals, 0) AS deferrals,
    coalesce(run_counts.claimed, 0) AS stored_claimed,
    coalesce(run_counts.delivered, 0) AS stored_delivered,
    coalesce(run_counts.hard_bounces, 0) AS stored_hard_bounces,
    coalesce(run_counts.soft_bounces, 0) AS stored_soft_bounces,
    coalesce(run_counts.blocked, 0) AS stored_blocked,
    coalesce(run_counts.failed, 0) AS stored_failed,
    coalesce(run_counts.cancelled, 0) AS stored_cancelled,
    coalesce(run_counts.deferrals, 0) AS stored_deferrals
FROM unnest($1::bigint[]) AS given (run_id)
LEFT JOIN reports ON reports.run_id = given.run_id
LEFT JOIN tries ON tries.run_id = given.run_id
LEFT JOIN run_counts ON run_counts.run_id = given.run_id
