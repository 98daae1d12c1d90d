-- Makes the rest of the transaction plan each statement for its own values: ranges then leave out whole partitions, and
-- filters that are null vanish. And bounds the time of each.
-- Locks: none. Index: none.
--
-- $1 milliseconds text: how long a statement may take
-- -> plan_cache_mode text: the new value
-- -> statement_timeout text: the new value
SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plan_cache_mode,
       set_config('statement_timeout', $1::text, true) AS statement_timeout
