-- The partitions that exist.
--
-- $1 parents regclass[]: the partitioned tables
-- -> name name: of a partition
--
-- Locks: none. Index: the catalogue's own.
SELECT child.relname AS name
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = ANY ($1::regclass[])
