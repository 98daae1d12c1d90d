-- Put calls in, due at once.
--
-- All arrays are parallel, one element per call.
-- $1 account_ids bigint[]: whose events
-- $2 kinds text[]: which URL: bounce, spam, unsubscribe
-- $3 event_ids bigint[]: the domain events
-- $4 message_ids bigint[]: copies
-- $5 accepted_ats timestamp with time zone[]: their partitions
-- $6 urls text[]: complete
-- $7 endpoints text[]: scheme://host:port of each
-- $8 now timestamp with time zone: instead of the clock, or null
--
-- Locks: none.
INSERT INTO postbacks (account_id, kind, event_id, message_id, accepted_at, url, endpoint, due_at)
SELECT account_id, kind, event_id, message_id, accepted_at, url, endpoint, coalesce($8::timestamptz, now())
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[])
    AS call (account_id, kind, event_id, message_id, accepted_at, url, endpoint)
