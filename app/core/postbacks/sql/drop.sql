-- Throw away calls that nobody wants any more.
--
-- $1 ids bigint[]: of calls
--
-- Locks: their rows. Index: pk_postbacks.
DELETE FROM postbacks WHERE id = ANY ($1::bigint[])
