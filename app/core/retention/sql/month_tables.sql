-- Tables of months, those included that were left on their way out.
--
-- $1 parents text[]: the partitioned tables
-- -> name name: of a table that is called as a month of one of them is
-- -> state text: attached, pending, or detached
--
-- Locks: none. Index: the catalogue's own.
SELECT child.relname AS name,
    CASE WHEN link.inhrelid IS NULL THEN 'detached' WHEN link.inhdetachpending THEN 'pending' ELSE 'attached' END AS state
FROM pg_class AS child
LEFT JOIN pg_inherits AS link ON link.inhrelid = child.oid
WHERE child.relkind = 'r'
  AND child.relnamespace = current_schema()::regnamespace
  AND regexp_replace(child.relname, '_p\d{6}$', '') = ANY ($1::text[])
  AND child.relname ~ '_p\d{6}$'
