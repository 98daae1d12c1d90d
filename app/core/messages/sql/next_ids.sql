-- Take a block of ids for copies and mails.
--
-- $1 count integer: how many
-- -> id bigint: rising
--
-- Locks: none; ids that are not used are lost, which is fine.
SELECT nextval('message_ids') AS id
FROM generate_series(1, $1::int)
