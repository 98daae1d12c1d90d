-- Narrows records to those with X-headers: $8 to $10. What has none is passed over first: the value is quoted anew for
-- each record, because PostgreSQL does not know that this always gives the same.
            AND (cardinality($8::text[]) = 0
                 OR x_headers @> $10::text::jsonb
                 OR x_headers IS NOT NULL
                 AND NOT jsonb_exists_all(x_headers, $8::text[])
                 AND coalesce(strpos(x_headers::text, to_jsonb(($9::text[])[1])::text), 0) > 0
                 AND NOT EXISTS (SELECT FROM unnest($8::text[], $9::text[]) AS wanted (name, value)
                                 WHERE NOT EXISTS (SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                                                    WHERE lower(had.name) = lower(wanted.name)
                                                      AND had.value = wanted.value)))
