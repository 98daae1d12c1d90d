-- Months of which copies wait for an attempt, or are being attempted.
--
-- $1 until timestamp with time zone: only months before this one
-- -> month date: first day, UTC
--
-- Locks: none. Index: none; the queue and the leases are read as a whole.
SELECT DISTINCT date_trunc('month', waiting.accepted_at AT TIME ZONE 'UTC')::date AS month
FROM (
    SELECT accepted_at FROM delivery_queue
    UNION ALL
    SELECT unnest(accepted_ats) FROM delivery_leases
) AS waiting
WHERE waiting.accepted_at < $1::timestamptz
