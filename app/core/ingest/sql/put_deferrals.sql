-- Write attempts of another system that failed for the time being. They have no lease; its place in the key takes the
-- moment, below zero, so that the same one is there once. Two of one moment are one: the least is kept.
--
-- The arrays are parallel, one element for each copy and moment, in this order.
-- $1 message_ids bigint[]: copies, which are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 attempted_ats timestamp with time zone[]: when
-- $4 codes text[]: enhanced status codes
-- $5 diagnostics text[]: what the server said
-- $6 hosts text[]: which server
--
-- Locks: the attempts' rows, by copy and moment. Index: pk_attempts.
INSERT INTO attempts AS known (
    message_id, accepted_at, attempt, lease_id, attempted_at, outcome, code, enhanced, reply, host, duration_ms
)
SELECT message_id, accepted_at, 0, -(extract(epoch FROM attempted_at) * 1000000)::bigint, attempted_at, 'deferred', 0,
    code, diagnostic, host, 0
FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
    AS given (message_id, accepted_at, attempted_at, code, diagnostic, host)
ON CONFLICT (message_id, accepted_at, attempt, lease_id) DO UPDATE SET
    enhanced = excluded.enhanced, reply = excluded.reply, host = excluded.host
WHERE (excluded.enhanced COLLATE "C", excluded.reply COLLATE "C", excluded.host COLLATE "C")
    < (known.enhanced, known.reply, known.host)
