-- When a copy was accepted that a server took, by its id alone.
--
-- $1 id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition; no row: there is none, or no server took it
--
-- Locks: none. Index: pk_messages, in each partition.
SELECT accepted_at
FROM messages
WHERE id = $1::bigint AND delivered_at IS NOT NULL
