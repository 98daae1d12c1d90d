-- Record what attempts brought: attempts, ledger, bounces, the queue for what is tried again, the end of leases, and the
-- counters. One statement is one round trip and, without bounces, one transaction.
--
-- All arrays but the last are parallel, one element per copy; a copy appears once. Of $4 to $15 the first element alone
-- may be given, when it is that of all; a column of nulls may be empty.
-- $1 message_ids bigint[]: copies
-- $2 attempted_ats timestamp with time zone[]: when the outcome was known
-- $3 durations integer[]: milliseconds
-- $4 accepted_ats timestamp with time zone[]: their partitions
-- $5 attempts smallint[]: number of the attempt
-- $6 lease_ids bigint[]: claims
-- $7 outcomes text[]: delivered, deferred, rejected, in_doubt, blocked, failed
-- $8 codes smallint[]: reply codes, 0 without
-- $9 enhanceds text[]: enhanced status codes, empty without
-- $10 replies text[]: what was said
-- $11 hosts text[]: who said it
-- $12 states text[]: what the copy becomes
-- $13 finals boolean[]: whether nothing will change that by itself
-- $14 lanes smallint[]: lane of the next attempt
-- $15 duplicates boolean[]: whether the recipient may get it twice
-- $16 due_ats timestamp with time zone[]: when the next attempt is due, null without one
-- $17 blocked_reasons text[]: reason of the suppression, null without
-- $18 bounce_types text[]: hard or soft for a bounce, null otherwise
-- $19 categories text[]: of a bounce
-- $20 bounce_codes text[]: of a bounce
-- $21 regex_names text[]: rule that decided
-- $22 ended_leases bigint[]: leases that have nothing left to record
-- -> kind text: what made copies whose outcome counts: recorded for the first time, not the second of one claimed twice
-- -> state text: what was recorded
-- -> bounce_type text: of the bounce, null without
-- -> category text: of the bounce
-- -> copies bigint: how many
-- -> message_ids bigint[]: which, where something follows from it: of bounced and blocked ones
--
-- A recorded outcome is never refused: delivered wins, unless a failure was reported since, and what comes second is
-- flagged. The same attempt under the same lease counts once: recorded again it changes nothing.
--
-- Locks: the copies' rows; what they have in the queue, unless somebody holds that; then the counters' rows in key
-- order, runs before hours before days, which is what keeps many writers from waiting for each other in a circle; the
-- events' rows last. The order is forced: each step reads a count of what the one before it wrote. Index: pk_messages, pk_delivery_queue.
WITH given AS (
    SELECT message_id, attempted_at, duration_ms, coalesce(accepted_at, ($4::timestamptz[])[1]) AS accepted_at,
        coalesce(attempt, ($5::smallint[])[1]) AS attempt, coalesce(lease_id, ($6::bigint[])[1]) AS lease_id,
        coalesce(outcome, ($7::text[])[1]) AS outcome, coalesce(code, ($8::smallint[])[1]) AS code,
        coalesce(enhanced, ($9::text[])[1]) AS enhanced, coalesce(reply, ($10::text[])[1]) AS reply,
        coalesce(host, ($11::text[])[1]) AS host, coalesce(state, ($12::text[])[1]) AS state,
        coalesce(final, ($13::boolean[])[1]) AS final, coalesce(lane, ($14::smallint[])[1]) AS lane,
        coalesce(duplicate, ($15::boolean[])[1]) AS duplicate,
        due_at, blocked_reason, bounce_type, category, bounce_code, regex_name
    FROM unnest(
        $1::bigint[], $2::timestamptz[], $3::int[], $4::timestamptz[], $5::smallint[], $6::bigint[], $7::text[],
        $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::boolean[], $14::smallint[],
        $15::boolean[], $16::timestamptz[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[]
    ) AS given (
        message_id, attempted_at, duration_ms, accepted_at, attempt, lease_id, outcome, code, enhanced, reply, host,
        state, final, lane, duplicate, due_at, blocked_reason, bounce_type, category, bounce_code, regex_name
    )
), traces AS (
    INSERT INTO attempts (
        message_id, accepted_at, attempt, lease_id, attempted_at, outcome, code, enhanced, reply, host, duration_ms)
    SELECT message_id, accepted_at, attempt, lease_id, attempted_at, outcome, code, enhanced, reply, host, duration_ms
    FROM given
    ON CONFLICT DO NOTHING
    RETURNING message_id
), ended AS (
    DELETE FROM delivery_leases WHERE id = ANY ($22::bigint[]) RETURNING 1
), ledger AS (
    UPDATE messages SET
        attempts = greatest(messages.attempts, given.attempt),
        delivered_at = CASE WHEN messages.delivered_at IS NULL AND given.state = 'delivered'
            THEN given.attempted_at ELSE messages.delivered_at END,
        bounced_at = CASE WHEN messages.finished_at IS NULL AND given.state = 'bounced'
            THEN given.attempted_at ELSE messages.bounced_at END,
        state = CASE WHEN messages.finished_at IS NULL OR (given.state = 'delivered' AND messages.delivered_at IS NULL
                AND coalesce(messages.bounced_at < given.attempted_at, true))
            THEN given.state ELSE messages.state END,
        blocked_reason = CASE
            WHEN messages.finished_at IS NULL THEN given.blocked_reason ELSE messages.blocked_reason END,
        possible_duplicate = messages.possible_duplicate OR given.duplicate
            OR (coalesce(messages.finished_at <> given.attempted_at, false)
                AND (messages.attempts >= given.attempt OR messages.delivered_at IS NOT NULL)),
        finished_at = CASE WHEN messages.finished_at IS NULL AND given.final
            THEN given.attempted_at ELSE messages.finished_at END
    FROM given
    WHERE messages.id = given.message_id AND messages.accepted_at = given.accepted_at
    RETURNING messages.account_id, messages.sender_id, messages.run_id, messages.kind, messages.recipient,
        messages.x_headers, messages.finished_at, messages.possible_duplicate, given.*,
        given.message_id IN (SELECT message_id FROM traces) AND CASE given.state
            WHEN 'delivered' THEN delivered_at = given.attempted_at
            WHEN 'deferred' THEN messages.state = 'cancelled' OR coalesce(given.attempted_at < finished_at, true)
            ELSE coalesce(finished_at = given.attempted_at, true) END AS counts,
        -- Given up by a stop, which is the only way a run's copy ends without a word, and arrived all the same.
        given.state = 'delivered' AND messages.finished_at <> given.attempted_at
            AND (messages.bounced_at, messages.blocked_reason) IS NULL AS was_cancelled
), reports AS (
    INSERT INTO bounces (
        message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code, regex_name, recipient,
        diagnostic, full_content, x_headers)
    SELECT message_id, accepted_at, account_id, sender_id, attempted_at, bounce_type, category, bounce_code, regex_name,
        recipient, reply, reply, x_headers
    FROM ledger
    WHERE state = 'bounced' AND counts
    ON CONFLICT DO NOTHING
    RETURNING 1
), settled AS (
    DELETE FROM delivery_queue USING (
        SELECT waiting.message_id FROM ledger
        JOIN delivery_queue AS waiting ON waiting.message_id = ledger.message_id
        WHERE ledger.finished_at IS NOT NULL AND ledger.possible_duplicate
        FOR UPDATE OF waiting SKIP LOCKED
    ) AS moot
    WHERE delivery_queue.message_id = moot.message_id
    RETURNING 1
), again AS (
    INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site, run_id)
    SELECT message_id, accepted_at, due_at, lane, attempt + 1, split_part(lower(recipient), '@', -1), run_id
    FROM ledger
    WHERE due_at IS NOT NULL AND finished_at IS NULL AND counts
    ON CONFLICT DO NOTHING
    RETURNING 1
), before_counts AS (
    SELECT (SELECT count(*) FROM traces) + (SELECT count(*) FROM ended) + (SELECT count(*) FROM reports)
        + (SELECT count(*) FROM settled) + (SELECT count(*) FROM again) AS rows
), runs AS (
    INSERT INTO run_counts AS count (
        run_id, delivered, hard_bounces, soft_bounces, blocked, failed, cancelled, deferrals)
    SELECT run_id,
        count(*) FILTER (WHERE state = 'delivered'),
        count(*) FILTER (WHERE state = 'bounced' AND bounce_type = 'hard'),
        count(*) FILTER (WHERE state = 'bounced' AND bounce_type = 'soft'),
        count(*) FILTER (WHERE state = 'blocked'), count(*) FILTER (WHERE state = 'failed'),
        -count(*) FILTER (WHERE was_cancelled), count(*) FILTER (WHERE state = 'deferred')
    FROM ledger
    CROSS JOIN before_counts
    WHERE counts AND run_id IS NOT NULL
    GROUP BY run_id
    ORDER BY run_id
    ON CONFLICT (run_id) DO UPDATE SET
        delivered = count.delivered + excluded.delivered, deferrals = count.deferrals + excluded.deferrals,
        hard_bounces = count.hard_bounces + excluded.hard_bounces,
        soft_bounces = count.soft_bounces + excluded.soft_bounces, blocked = count.blocked + excluded.blocked,
        failed = count.failed + excluded.failed, cancelled = count.cancelled + excluded.cancelled
    RETURNING 1
), deltas AS (
    -- A blocked copy counts in the hour of its acceptance, by which it is listed (dyn-metrics.md, 7.2).
    SELECT account_id, sender_id,
        date_trunc('hour', CASE state WHEN 'blocked' THEN accepted_at ELSE attempted_at END, 'UTC') AS hour,
        count(*) FILTER (WHERE state = 'delivered')::int AS delivered,
        count(*) FILTER (WHERE state = 'deferred')::int AS deferred,
        count(*) FILTER (WHERE state = 'bounced' AND bounce_type = 'hard')::int AS hard_bounces,
        count(*) FILTER (WHERE state = 'bounced' AND bounce_type = 'soft')::int AS soft_bounces,
        count(*) FILTER (WHERE state = 'blocked' AND blocked_reason = 'complaint')::int AS blocked_complaint,
        count(*) FILTER (WHERE state = 'blocked' AND blocked_reason = 'hardbounce')::int AS blocked_hardbounce,
        count(*) FILTER (WHERE state = 'blocked' AND blocked_reason IN ('manual', 'deleted'))::int AS blocked_manual,
        count(*) FILTER (WHERE state = 'blocked' AND blocked_reason = 'softbounce')::int AS blocked_softbounce,
        count(*) FILTER (WHERE state = 'blocked' AND blocked_reason = 'unsubscribe')::int AS blocked_unsubscribe
    FROM ledger
    CROSS JOIN before_counts
    CROSS JOIN (SELECT count(*) FROM runs) AS after_runs
    WHERE counts AND state IN ('delivered', 'deferred', 'bounced', 'blocked')
    GROUP BY 1, 2, 3
), hours AS (
    INSERT INTO hourly_counts AS count (
        account_id, sender_id, hour, delivered, deferred, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe)
    SELECT * FROM deltas ORDER BY account_id, sender_id, hour
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
-- include add_outcomes
    RETURNING 1
), days AS (
    INSERT INTO daily_counts AS count (
        account_id, sender_id, day, delivered, deferred, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe)
    SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date,
        sum(delivered)::int, sum(deferred)::int, sum(hard_bounces)::int, sum(soft_bounces)::int,
        sum(blocked_complaint)::int, sum(blocked_hardbounce)::int, sum(blocked_manual)::int,
        sum(blocked_softbounce)::int, sum(blocked_unsubscribe)::int
    FROM deltas
    CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
-- include add_outcomes
    RETURNING 1
), told AS (
    -- What its account's webhooks ask for; a deferral by attempt and lease, as its public id has it.
    INSERT INTO domain_events (account_id, type, message_id, accepted_at, data)
    SELECT id, 'email.' || state, message_id, accepted_at, jsonb_build_object('row', attempt::bigint << 40 | lease_id)
    FROM (SELECT id, told_events FROM accounts WHERE told_events <> '{}' AND id IN (SELECT account_id FROM ledger)) AS one
    JOIN ledger ON counts AND account_id = id AND 'email.' || state = ANY (told_events)
    CROSS JOIN (SELECT count(*) FROM days) AS after_days
    RETURNING 1
)
SELECT kind, state, bounce_type, category, count(*) AS copies,
    array_agg(message_id ORDER BY message_id) FILTER (WHERE state IN ('bounced', 'blocked')) AS message_ids
FROM ledger CROSS JOIN (SELECT count(*) FROM told) AS after_told
WHERE counts GROUP BY kind, state, bounce_type, category
