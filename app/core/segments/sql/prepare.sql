-- Makes room for the transaction: what contacts did is put into a hash table instead of being looked for row by row.
-- Locks: none. Index: none.
--
-- $1 work_mem text: with its unit
-- -> work_mem text: one row
SELECT set_config('work_mem', $1::text, true) AS work_mem
