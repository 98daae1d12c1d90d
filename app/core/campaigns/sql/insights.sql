-- What recipients of a run did, from its counters.
--
-- $1 run_id bigint: the run
-- -> delivered bigint: copies a receiving server took, whatever came later
-- -> bounces bigint: copies refused or given up, or returned later
-- -> opens bigint: all of them
-- -> opened bigint: copies opened at least once
-- -> clicks bigint: all of them
-- -> clicked bigint: copies of which at least one link was clicked
-- -> complaints bigint: copies complained about
-- -> unsubscribes bigint: copies whose recipient unsubscribed
--
-- Locks: none. Index: pk_run_counts.
SELECT delivered, hard_bounces + soft_bounces AS bounces, opens, opened, clicks, clicked, complaints, unsubscribes
FROM run_counts
WHERE run_id = $1::bigint
