-- Narrows records to senders, a recipient, a domain and a local part: $4 to $7. One sender, the rule, is compared: records
-- are passed over faster so than by a search among several.
            AND ($4::bigint[] IS NULL
                 OR cardinality($4::bigint[]) = 1 AND sender_id = ($4::bigint[])[1]
                 OR cardinality($4::bigint[]) <> 1 AND sender_id = ANY ($4::bigint[]))
            AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                                      AND lower(recipient) = lower($5::text)))
            AND ($6::text IS NULL OR right(recipient, length($6::text) + 1) = '@' || lower($6::text))
            AND ($7::text IS NULL
                 OR lower(left(recipient, -1 - length(split_part(recipient, '@', -1)))) = lower($7::text))
