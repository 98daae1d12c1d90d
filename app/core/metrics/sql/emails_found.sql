-- How many accepted copies the list of a time range has (emails.sql).
-- Locks: none. Indexes: as there. Wants a plan for its own values (planning.sql).
--
-- $1 account_ids bigint[]: whose copies
-- $2 start timestamp with time zone: start of the range, whole second
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only copies of these senders; null = of all
-- $5 recipient text: only of this address, ignoring case; null = of all
-- $6 domain text: only of this domain, ignoring case; null = of all
-- $7 local text: only of this local part, ignoring case; null = of all
-- $8 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $9 header_values text[]: these values, exactly; as many as names
-- $10 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $11 delivered boolean: only copies that are delivered and have not bounced, or only others; null = all
-- -> found bigint: how many
SELECT coalesce(sum(mine.found), 0)::bigint AS found
  FROM unnest($1::bigint[]) AS owner (id)
 CROSS JOIN LATERAL (
         SELECT count(*) AS found
           FROM (
                SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) = 0
                   AND ($6::text IS NULL OR hashtextextended(lower(split_part(recipient, '@', -1)), 0)
                                            = hashtextextended(lower($6::text), 0))
                UNION ALL
                SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 0, 0) = hashtextextended(($9::text[])[1], 0)
                UNION ALL
                SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 1, 0) = hashtextextended(($9::text[])[1], 0)
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($9::text[])[1]
                UNION ALL
                SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 2, 0) = hashtextextended(($9::text[])[1], 0)
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($9::text[])[1]
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($9::text[])[1]
                UNION ALL
                SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 3, 0) = hashtextextended(($9::text[])[1], 0)
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($9::text[])[1]
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($9::text[])[1]
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 2 IS DISTINCT FROM ($9::text[])[1]
           ) AS found
          WHERE accepted_at >= $2::timestamptz AND accepted_at < $3::timestamptz
-- include of_recipient
            AND (cardinality($8::text[]) = 0
                 OR x_headers @> $10::text::jsonb
                 OR NOT jsonb_exists_all(x_headers, $8::text[])
                 AND NOT EXISTS (SELECT FROM unnest($8::text[], $9::text[]) AS wanted (name, value)
                                 WHERE NOT EXISTS (SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                                                    WHERE lower(had.name) = lower(wanted.name)
                                                      AND had.value = wanted.value)))
            AND ($11::boolean IS NULL OR (delivered_at IS NOT NULL AND bounced_at IS NULL) = $11::boolean)
     ) AS mine
