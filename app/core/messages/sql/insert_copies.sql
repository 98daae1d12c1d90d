-- Write the copies of a group of mails: queued, or blocked where the address is suppressed.
--
-- All arrays are parallel, one element per copy.
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
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> accepted_at timestamp with time zone: second of acceptance
-- -> blocked_reason text: null for those that are queued
-- -> copies bigint: how many
--
-- Locks: none but the new rows. Index: uq_suppressions_account_id_address.
WITH copy AS (
    SELECT given.*, suppressions.reason
    FROM unnest(
        $1::bigint[], $2::bigint[], $3::timestamptz[], $4::smallint[], $5::bigint[], $6::bigint[], $7::text[],
        $8::smallint[], $9::text[], $10::text[], $11::jsonb[], $12::int[]
    ) AS given (
        id, mail_id, accepted_at, accepted_ms, account_id, sender_id, kind, lane, recipient, key, x_headers, size
    )
    LEFT JOIN suppressions ON suppressions.account_id = given.account_id AND suppressions.address = given.key
), ledger AS (
    INSERT INTO messages (
        id, accepted_at, accepted_ms, account_id, sender_id, mail_id, kind, recipient, x_headers, size,
        state, blocked_reason, finished_at
    )
    SELECT id, accepted_at, accepted_ms, account_id, sender_id, mail_id, kind, recipient, x_headers, size,
        CASE WHEN reason IS NULL THEN 'queued' ELSE 'blocked' END,
        reason,
        CASE WHEN reason IS NOT NULL THEN accepted_at END
    FROM copy
), queue AS (
    INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site)
    SELECT id, accepted_at, least(accepted_at, clock_timestamp()), lane, 1, split_part(key, '@', -1)
    FROM copy
    WHERE reason IS NULL
)
SELECT account_id, sender_id, accepted_at, reason AS blocked_reason, count(*) AS copies
FROM copy
GROUP BY account_id, sender_id, accepted_at, reason
