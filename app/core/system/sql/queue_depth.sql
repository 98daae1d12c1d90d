-- Copies that are not finished, by state.
--
-- -> state text: queued (never tried), deferred (waits for another attempt), sending (in a claim that is not finished)
-- -> copies int8: how many
--
-- Locks: none. Index: none; counts the queue, so it is for a scrape, not for a request path.
SELECT CASE WHEN attempt = 1 THEN 'queued' ELSE 'deferred' END AS state, count(*) AS copies
FROM delivery_queue
GROUP BY 1
UNION ALL
SELECT 'sending', coalesce(sum(cardinality(message_ids)), 0)::bigint
FROM delivery_leases
