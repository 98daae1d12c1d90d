-- The addresses of senders.
-- Locks: none. Index: pk_senders.
--
-- $1 sender_ids bigint[]: whose
-- -> id bigint: of the sender
-- -> email text: its address
SELECT id, email FROM senders WHERE id = ANY ($1::bigint[])
