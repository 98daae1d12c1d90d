-- Jobs by type and status.
--
-- -> type text: of app.models.job.JobType
-- -> status text: of app.models.job.JobStatus
-- -> jobs int8: how many
--
-- Locks: none. Index: none; for a scrape, not for a request path.
SELECT type, status, count(*) AS jobs
FROM jobs
GROUP BY type, status
