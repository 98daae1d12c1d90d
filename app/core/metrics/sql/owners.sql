-- The accounts that senders belong to.
-- Locks: none. Index: pk_senders.
--
-- $1 sender_ids bigint[]: whose accounts
-- $2 account_ids bigint[]: only these accounts
-- -> account_id bigint: each once
SELECT DISTINCT account_id FROM senders WHERE id = ANY ($1::bigint[]) AND account_id = ANY ($2::bigint[])
