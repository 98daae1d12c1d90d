-- Narrows rows to those with X-headers: $7 to $9.
   AND (cardinality($7::text[]) = 0
        OR x_headers @> $9::text::jsonb
        OR (x_headers IS NOT NULL  -- for these, the value would be quoted in vain
            AND NOT jsonb_exists_all(x_headers, $7::text[])
            AND coalesce(strpos(x_headers::text, to_jsonb(($8::text[])[1])::text), 0) > 0
            AND NOT EXISTS (
                SELECT FROM unnest($7::text[], $8::text[]) AS wanted (name, value)
                 WHERE NOT EXISTS (
                     SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                      WHERE lower(had.name) = lower(wanted.name) AND had.value = wanted.value))))
