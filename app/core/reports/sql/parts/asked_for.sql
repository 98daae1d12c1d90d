-- Narrows found copies to what is asked for: $2 to $10.
  WHERE accepted_at >= $2::timestamptz AND accepted_at < $3::timestamptz
    AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
    AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                              AND lower(recipient) = lower($5::text)))
    AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
    AND (cardinality($7::text[]) = 0
         OR x_headers @> $9::text::jsonb
         OR (NOT jsonb_exists_all(x_headers, $7::text[])
             AND NOT EXISTS (
                 SELECT FROM unnest($7::text[], $8::text[]) AS wanted (name, value)
                  WHERE NOT EXISTS (
                      SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                       WHERE lower(had.name) = lower(wanted.name) AND had.value = wanted.value))))
    AND (NOT $10::boolean OR (delivered_at IS NOT NULL AND bounced_at IS NULL))
