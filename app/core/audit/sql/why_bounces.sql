-- The bounces of copies. The plan leaves out the months in which none was accepted.
--
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- -> message_id bigint: the copy
-- -> bounced_at timestamp with time zone: when it was recorded
-- -> bounce_type text: hard or soft
-- -> category text: one of the 18
-- -> diagnostic text: what the other server said
--
-- Locks: none. Index: pk_bounces.
SELECT message_id, bounced_at, bounce_type, category, diagnostic
FROM bounces
WHERE message_id = ANY ($1::bigint[]) AND accepted_at = ANY ($2::timestamptz[])
