-- Counts what was found by key and piece, the largest first: $10 to $13.
SELECT key, mark, count(*) AS first, 0::bigint AS second
  FROM found
 WHERE mark % 2 = 1 AND ($10::text = 'none' OR key IS NOT NULL) AND ($11::text[] IS NULL OR key = ANY ($11::text[]))
 GROUP BY key, mark
 ORDER BY CASE WHEN $12::boolean THEN 0::bigint ELSE count(*) END DESC, key
 LIMIT $13::integer
