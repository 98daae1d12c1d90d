-- Makes the rest of the transaction plan each statement for its own values, and month by month: ranges then leave out
-- whole partitions, and a join holds one month at a time.
-- Locks: none. Index: none.
--
-- -> plan_cache_mode text: the new value
-- -> joins text: the new value
-- -> aggregates text: the new value
SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plan_cache_mode,
    set_config('enable_partitionwise_join', 'on', true) AS joins,
    set_config('enable_partitionwise_aggregate', 'on', true) AS aggregates
