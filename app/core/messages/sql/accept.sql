-- Write a group of mails: contents, copies (queued, or blocked where the address is suppressed), the delivery queue and the
-- counters. One statement is one round trip. Dynosend's transactional mail goes to those who unsubscribed, too.
--
-- $1 to $12 are parallel, one element per copy. A column of nulls may be empty instead, here and below.
-- $1 ids bigint[]: of the copies
-- $2 mail_ids bigint[]: their contents
-- $3 accepted_ats timestamp with time zone[]: second of acceptance
-- $4 accepted_mss smallint[]: milliseconds within it
-- $5 account_ids bigint[]: owner
-- $6 sender_ids bigint[]: approved sender
-- $7 kinds text[]: what made the copy
-- $8 lanes smallint[]: order of service
-- $9 recipients text[]: envelope recipients
-- $10 keys text[]: the same in lower case, as suppressions hold them
-- $11 x_headers jsonb[]: remembered X-headers, null without
-- $12 sizes integer[]: bytes of the content, near enough
-- $13 to $20 are parallel, one element per mail.
-- $13 content_ids bigint[]: of the mails
-- $14 content_accepted_ats timestamp with time zone[]: second of acceptance
-- $15 content_account_ids bigint[]: owner
-- $16 headers jsonb[]: [[name, value], ...]
-- $17 texts text[]: text bodies, null without
-- $18 htmls text[]: HTML bodies, null without
-- $19 trackings smallint[]: what the copies report
-- $20 links jsonb[]: [target, ...] by link number, null without
-- $21 contact_ids bigint[]: to whom, parallel to the copies, null without
-- $22 raws bytea[]: mails that came whole, parallel to the mails, null for others
-- -> bounced bigint: copies of the whole group that were blocked because the address bounced, in every row
--
-- Locks: the new rows; then the counters' rows in key order, hours before days, which is what keeps many writers from
-- waiting for each other in a circle. The order is forced: each step reads a count of what the one before it wrote.
-- Index: uq_suppressions_account_id_address.
WITH contents AS (
    INSERT INTO mails (id, accepted_at, account_id, headers, text, html, tracking, links, raw)
    SELECT id, accepted_at, account_id, headers, text, html, tracking,
        CASE WHEN links IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(links)) END,
        raw
    FROM unnest(
        $13::bigint[], $14::timestamptz[], $15::bigint[], $16::jsonb[], $17::text[], $18::text[], $19::smallint[],
        $20::jsonb[], $22::bytea[]
    ) AS given (id, accepted_at, account_id, headers, text, html, tracking, links, raw)
    RETURNING 1
), copy AS (
    SELECT given.*, suppressions.reason
    FROM unnest(
        $1::bigint[], $2::bigint[], $3::timestamptz[], $4::smallint[], $5::bigint[], $6::bigint[], $7::text[],
        $8::smallint[], $9::text[], $10::text[], $11::jsonb[], $12::int[], $21::bigint[]
    ) AS given (
        id, mail_id, accepted_at, accepted_ms, account_id, sender_id, kind, lane, recipient, key, x_headers, size,
        contact_id
    )
    LEFT JOIN suppressions ON suppressions.account_id = given.account_id AND suppressions.address = given.key
        AND NOT (given.kind = 'transactional' AND suppressions.reason = 'unsubscribe')
), ledger AS (
    INSERT INTO messages (
        id, accepted_at, accepted_ms, account_id, sender_id, mail_id, contact_id, kind, recipient, x_headers, size,
        state, blocked_reason, finished_at
    )
    SELECT id, accepted_at, accepted_ms, account_id, sender_id, mail_id, contact_id, kind, recipient, x_headers, size,
        CASE WHEN reason IS NULL THEN 'queued' ELSE 'blocked' END,
        reason,
        CASE WHEN reason IS NOT NULL THEN accepted_at END
    FROM copy
    RETURNING 1
), queue AS (
    INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site)
    SELECT id, accepted_at, least(accepted_at, clock_timestamp()), lane, 1, split_part(key, '@', -1)
    FROM copy
    WHERE reason IS NULL
    RETURNING 1
), before_counts AS (
    SELECT (SELECT count(*) FROM contents) + (SELECT count(*) FROM ledger) + (SELECT count(*) FROM queue) AS rows
), deltas AS (
    SELECT account_id, sender_id, date_trunc('hour', accepted_at, 'UTC') AS hour,
        count(*)::int AS accepted,
        count(*) FILTER (WHERE reason = 'complaint')::int AS blocked_complaint,
        count(*) FILTER (WHERE reason = 'hardbounce')::int AS blocked_hardbounce,
        count(*) FILTER (WHERE reason = 'manual')::int AS blocked_manual,
        count(*) FILTER (WHERE reason = 'softbounce')::int AS blocked_softbounce,
        count(*) FILTER (WHERE reason = 'unsubscribe')::int AS blocked_unsubscribe
    FROM copy
    CROSS JOIN before_counts
    GROUP BY account_id, sender_id, date_trunc('hour', accepted_at, 'UTC')
), hours AS (
    INSERT INTO hourly_counts AS count (
        account_id, sender_id, hour, accepted,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    )
    SELECT * FROM deltas ORDER BY account_id, sender_id, hour
    ON CONFLICT (account_id, sender_id, hour) DO UPDATE SET
        accepted = count.accepted + excluded.accepted,
        blocked_complaint = count.blocked_complaint + excluded.blocked_complaint,
        blocked_hardbounce = count.blocked_hardbounce + excluded.blocked_hardbounce,
        blocked_manual = count.blocked_manual + excluded.blocked_manual,
        blocked_softbounce = count.blocked_softbounce + excluded.blocked_softbounce,
        blocked_unsubscribe = count.blocked_unsubscribe + excluded.blocked_unsubscribe
    RETURNING 1
)
INSERT INTO daily_counts AS count (
    account_id, sender_id, day, accepted,
    blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
)
SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date,
    sum(accepted)::int,
    sum(blocked_complaint)::int,
    sum(blocked_hardbounce)::int,
    sum(blocked_manual)::int,
    sum(blocked_softbounce)::int,
    sum(blocked_unsubscribe)::int
FROM deltas
CROSS JOIN (SELECT count(*) FROM hours) AS after_hours
GROUP BY account_id, sender_id, (hour AT TIME ZONE 'UTC')::date
ORDER BY 1, 2, 3
ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
    accepted = count.accepted + excluded.accepted,
    blocked_complaint = count.blocked_complaint + excluded.blocked_complaint,
    blocked_hardbounce = count.blocked_hardbounce + excluded.blocked_hardbounce,
    blocked_manual = count.blocked_manual + excluded.blocked_manual,
    blocked_softbounce = count.blocked_softbounce + excluded.blocked_softbounce,
    blocked_unsubscribe = count.blocked_unsubscribe + excluded.blocked_unsubscribe
RETURNING (SELECT sum(blocked_hardbounce + blocked_softbounce) FROM deltas) AS bounced
