-- Ids for events, given before a group of them is written.
--
-- $1 count integer: how many
-- -> id bigint: one of them
--
-- Locks: none. Index: none.
SELECT nextval('event_ids') AS id FROM generate_series(1, $1::int)
