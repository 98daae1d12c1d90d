-- Makes the rest of the transaction plan each statement for its own values: lists are read in the order of an index,
-- which ends with the page, and months outside the range are not looked at.
-- Locks: none. Index: none.
--
-- -> plan_cache_mode text: the new value
-- -> enable_bitmapscan text: the new value
SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plan_cache_mode,
       set_config('enable_bitmapscan', 'off', true) AS enable_bitmapscan
