-- Takes the one fold there may be at a time, until the end of the transaction; nobody waits for it.
-- Locks: an advisory one that only folds take. Index: none.
--
-- -> locked boolean: whether it was free: one row
SELECT pg_try_advisory_xact_lock(1952541804) AS locked
