-- The destinations with the most copies in the queue.
--
-- $1 most int8: rows
-- -> domain text: of the recipients, most copies first
-- -> queued int8: copies that were never tried
-- -> deferred int8: copies that wait for another attempt
-- -> oldest_accepted_at timestamptz: of the oldest of them
-- -> next_attempt_at timestamptz: when the first of them is due
-- -> oldest_at timestamptz: when the oldest of the whole queue was accepted
--
-- Locks: none. Index: none; reads the whole queue, so it is for people, not for a request path.
SELECT site AS domain,
       count(*) FILTER (WHERE attempt = 1) AS queued,
       count(*) FILTER (WHERE attempt > 1) AS deferred,
       min(accepted_at) AS oldest_accepted_at,
       min(due_at) AS next_attempt_at,
       min(min(accepted_at)) OVER () AS oldest_at
FROM delivery_queue
GROUP BY site
ORDER BY count(*) DESC, site
LIMIT $1::bigint
