-- Runs with their targets and copies counted, beside what is noted about them; in order of their ids, a page at a time.
--
-- $1 after bigint: id of the last run of the page before
-- $2 since timestamp with time zone: only runs that had not ended then
-- $3 account_id bigint: only of this account; null = of all
-- $4 run_id bigint: only this one, whenever it was; null = all
-- $5 limit integer: most runs
-- -> id bigint: the run
-- -> state text: of the run
-- -> settled boolean: whether its targets may be gone
-- -> total bigint: targets fixed at its start, 0 before
-- -> next_seq bigint: the first target nobody has claimed
-- -> unreached bigint: targets noted as never claimed
-- -> targets bigint: targets that are there
-- -> ahead bigint: those nobody has claimed
-- -> copies bigint: rows of the ledger
-- -> queued bigint: by state, like the next eight
-- -> sending bigint: copies
-- -> deferred bigint: copies
-- -> uncertain bigint: copies
-- -> delivered bigint: copies
-- -> bounced bigint: copies
-- -> blocked bigint: copies
-- -> failed bigint: copies
-- -> cancelled bigint: copies
-- -> ever_delivered bigint: copies a server took, whatever came later
-- -> ever_blocked bigint: copies that were blocked
--
-- Locks: none. Index: pk_runs, pk_run_targets, ix_messages_run.
SELECT page.id, page.state, page.settled, page.total, page.next_seq, page.unreached, targets.*, ledger.*
FROM (
    SELECT id, state, settled, coalesce(total, 0) AS total, next_seq, unreached
    FROM runs
    WHERE id > $1::bigint
      AND ($3::bigint IS NULL OR account_id = $3::bigint)
      AND CASE WHEN $4::bigint IS NULL THEN coalesce(finished_at >= $2::timestamptz, true) ELSE id = $4::bigint END
    ORDER BY id
    LIMIT $5::int
) AS page
CROSS JOIN LATERAL (
    SELECT count(*) AS targets, count(*) FILTER (WHERE seq >= page.next_seq) AS ahead
    FROM run_targets
    WHERE run_targets.run_id = page.id
) AS targets
CROSS JOIN LATERAL (
    SELECT count(*) AS copies,
        count(*) FILTER (WHERE messages.state = 'queued') AS queued,
        count(*) FILTER (WHERE messages.state = 'sending') AS sending,
        count(*) FILTER (WHERE messages.state = 'deferred') AS deferred,
        count(*) FILTER (WHERE messages.state = 'uncertain') AS uncertain,
        count(*) FILTER (WHERE messages.state = 'delivered') AS delivered,
        count(*) FILTER (WHERE messages.state = 'bounced') AS bounced,
        count(*) FILTER (WHERE messages.state = 'blocked') AS blocked,
        count(*) FILTER (WHERE messages.state = 'failed') AS failed,
        count(*) FILTER (WHERE messages.state = 'cancelled') AS cancelled,
        count(delivered_at) AS ever_delivered,
        count(blocked_reason) AS ever_blocked
    FROM messages
    WHERE messages.run_id = page.id
) AS ledger
ORDER BY page.id
