-- Sets what the planner goes by in the transaction: room to put what contacts did into a hash table, instead of looking
-- for it row by row; plans for the values asked for; and that processes which scan together hand over little: what they
-- find is few spans, which no statistics tell.
-- Locks: none. Index: none.
--
-- $1 work_mem text: with its unit
-- -> work_mem text: one row
-- -> plan_cache_mode text: as it was set
-- -> parallel_tuple_cost text: as it was set
SELECT set_config('work_mem', $1::text, true) AS work_mem,
    set_config('plan_cache_mode', 'force_custom_plan', true) AS plan_cache_mode,
    set_config('parallel_tuple_cost', '0', true) AS parallel_tuple_cost
