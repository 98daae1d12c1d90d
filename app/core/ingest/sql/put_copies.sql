-- Write what has become of copies: rows that are there are changed, the others made. The caller holds their names.
--
-- The arrays are parallel, in order of id.
-- $1 ids bigint[]: copies
-- $2 held_ats timestamp with time zone[]: the partition in which it is; null = it is new
-- $3 accepted_ats timestamp with time zone[]: second of acceptance; an earlier one than before moves the row
-- $4 accepted_ms smallint[]: milliseconds within it
-- $5 account_ids bigint[]: whose
-- $6 sender_ids bigint[]: whose
-- $7 recipients text[]: for whom
-- $8 states text[]: where it stands
-- $9 delivered_ats timestamp with time zone[]: when a server took it
-- $10 bounced_ats timestamp with time zone[]: when it failed
-- $11 finished_ats timestamp with time zone[]: when nothing was left to do
-- $12 blocked_reasons text[]: why it was not sent
-- $13 x_headers jsonb[]: what is remembered with it
-- $14 overtaken boolean[]: whether it was taken elsewhere while it waits here, so that it may arrive twice
--
-- Locks: the copies' rows, which are held. Index: pk_messages.
WITH given AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::smallint[], $5::bigint[], $6::bigint[], $7::text[],
        $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::jsonb[],
        $14::boolean[]
    ) AS given (
        id, held_at, accepted_at, accepted_ms, account_id, sender_id, recipient, state, delivered_at, bounced_at,
        finished_at, blocked_reason, x_headers, overtaken
    )
), changed AS (
    UPDATE messages SET
        accepted_at = given.accepted_at, accepted_ms = given.accepted_ms, state = given.state,
        delivered_at = given.delivered_at, bounced_at = given.bounced_at, finished_at = given.finished_at,
        blocked_reason = given.blocked_reason, x_headers = given.x_headers,
        possible_duplicate = messages.possible_duplicate OR given.overtaken
    FROM given
    WHERE messages.id = given.id AND messages.accepted_at = given.held_at
)
INSERT INTO messages (
    id, accepted_at, accepted_ms, account_id, sender_id, recipient, kind, state, delivered_at, bounced_at, finished_at,
    blocked_reason, x_headers
)
SELECT id, accepted_at, accepted_ms, account_id, sender_id, recipient, 'send', state, delivered_at, bounced_at,
    finished_at, blocked_reason, x_headers
FROM given
WHERE held_at IS NULL
