-- What copies were called in another system.
--
-- $1 message_ids bigint[]: copies
-- -> message_id bigint: one of them
-- -> email_id text: its name
--
-- Locks: none. Index: ix_foreign_email_ids_message_id.
SELECT message_id, email_id FROM foreign_email_ids WHERE message_id = ANY ($1::bigint[]) AND given
