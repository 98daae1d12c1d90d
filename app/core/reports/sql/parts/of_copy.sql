-- Narrows events (alias event) to senders, and to copies by recipient, domain and X-headers: $4 to $9.
   AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
   AND ($5::text IS NULL
        OR message_id IN (SELECT id FROM messages
                           WHERE account_id = $1::bigint
                             AND hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                             AND lower(recipient) = lower($5::text)))
   AND (($6::text IS NULL AND cardinality($7::text[]) = 0)
        OR EXISTS (SELECT FROM messages AS copy
                    WHERE copy.id = event.message_id
                      AND copy.accepted_at = event.accepted_at
                      AND ($6::text IS NULL OR lower(split_part(copy.recipient, '@', -1)) = lower($6::text))
                      AND (cardinality($7::text[]) = 0
                           OR copy.x_headers @> $9::text::jsonb
                           OR (NOT jsonb_exists_all(copy.x_headers, $7::text[])
                               AND coalesce(strpos(copy.x_headers::text, to_jsonb(($8::text[])[1])::text), 0) > 0
                               AND NOT EXISTS (
                                   SELECT FROM unnest($7::text[], $8::text[]) AS wanted (name, value)
                                    WHERE NOT EXISTS (
                                        SELECT FROM jsonb_each_text(copy.x_headers) AS had (name, value)
                                         WHERE lower(had.name) = lower(wanted.name) AND had.value = wanted.value))))))
