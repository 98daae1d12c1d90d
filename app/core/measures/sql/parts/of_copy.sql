-- Narrows copies (alias copy) to runs, an audience, a domain and a kind: $6 to $9.
   AND ($6::bigint[] IS NULL OR copy.run_id = ANY ($6::bigint[]))
   AND ($7::bigint IS NULL
        OR EXISTS (SELECT FROM contacts WHERE contacts.id = copy.contact_id AND contacts.audience_id = $7::bigint))
   AND ($8::text IS NULL OR (hashtextextended(lower(split_part(copy.recipient, '@', -1)), 0)
                                 = hashtextextended($8::text, 0)
                             AND lower(split_part(copy.recipient, '@', -1)) = $8::text))
   AND ($9::text IS NULL OR copy.kind = $9::text)
