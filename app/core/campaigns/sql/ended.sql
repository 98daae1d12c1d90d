-- Runs whose targets nobody needs any more. One that failed keeps them as long as it may be resumed.
-- Locks: none. Index: ix_runs_unsettled.
--
-- $1 hours double precision: how long ago it must have ended
-- $2 limit integer: how many at most
-- -> id bigint: the run
SELECT run.id
FROM runs AS run
JOIN campaigns AS campaign ON campaign.id = run.campaign_id
WHERE run.state IN ('stopped', 'done', 'failed') AND NOT run.settled
  AND run.finished_at < clock_timestamp() - make_interval(secs => $1::float8 * 3600)
  AND (run.state <> 'failed' OR campaign.latest_run_id <> run.id OR campaign.deleted_at IS NOT NULL)
ORDER BY run.id
LIMIT $2::integer
