-- The addresses of senders.
-- Locks: none. Index: pk_senders.
--
-- $1 sender_ids bigint[]: which
-- -> id bigint: of the sender
-- -> name text: its address
SELECT id, email AS name FROM senders WHERE id = ANY ($1::bigint[])
