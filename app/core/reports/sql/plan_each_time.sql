-- Makes the rest of the transaction plan each statement for its own values: ranges then leave out whole partitions, and
-- filters that are null vanish.
-- Locks: none. Index: none.
--
-- -> plan_cache_mode text: the new value
SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plan_cache_mode
