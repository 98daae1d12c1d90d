-- Says how the statements of the rest of the transaction are planned.
--
-- Lists, and what is told of some senders, are planned for their own values: ranges then leave out whole partitions, and
-- filters that are null vanish. What is told of all senders is planned once on a connection, for planning takes a tenth of
-- the time of a master's measure. Pages are read in the order of an index, which ends with the page: the planner expects
-- so few rows of a filter by domain that it would rather gather and sort all of them. A master's series by hour fit
-- into the memory that one statement may use. One process does each: starting others takes as long as they spare.
-- Locks: none. Index: none.
--
-- $1 mode text: of the plan cache
-- $2 seqscan text: off for what is told by packed counters: of a master's measure the planner expects that so many lie apart
-- that it would rather pass over all the others
-- -> plan_cache_mode text: the new value
-- -> enable_bitmapscan text: the new value
-- -> enable_seqscan text: the new value
-- -> work_mem text: the new value
-- -> max_parallel_workers_per_gather text: the new value
SELECT set_config('plan_cache_mode', $1::text, true) AS plan_cache_mode,
       set_config('enable_bitmapscan', 'off', true) AS enable_bitmapscan,
       set_config('enable_seqscan', $2::text, true) AS enable_seqscan,
       set_config('work_mem', '64MB', true) AS work_mem,
       set_config('max_parallel_workers_per_gather', '0', true) AS max_parallel_workers_per_gather
