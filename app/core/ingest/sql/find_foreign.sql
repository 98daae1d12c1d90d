-- The copy that another system called so.
--
-- $1 account_id bigint: whose
-- $2 email_id text: its name
-- -> message_id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition
--
-- Locks: none. Index: pk_foreign_email_ids.
SELECT message_id, accepted_at
FROM foreign_email_ids
WHERE account_id = $1::bigint AND email_id = $2::text AND given
