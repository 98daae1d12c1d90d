-- One page of accepted copies, by acceptance, then id.
-- Locks: none.
-- Indexes: ix_messages_account; ix_messages_recipient, ix_messages_domain, or ix_messages_header_0 to _3 when one is
-- given: each ends with the order of the list, and holds what it is narrowed by. Which of a copy's X-headers has the
-- value is not known, so all four are asked; a copy is found where the value stands first. Wants a plan for its own
-- values (planning.sql), so that filters which are null cost nothing and months outside the range are not looked
-- at.
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
-- $12 page_size bigint: most rows
-- $13 skipped bigint: rows left out at the beginning
-- -> id bigint: of the copy
-- -> accepted_at timestamp with time zone: second of acceptance
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> recipient text: envelope recipient
-- -> delivered boolean: taken by the receiving server and not bounced since
-- -> x_headers jsonb: remembered X-headers, null without
WITH page AS (
    SELECT mine.id, mine.accepted_at
      FROM unnest($1::bigint[]) AS owner (id)
     CROSS JOIN LATERAL (
         SELECT id, accepted_at
           FROM (
                (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) = 0
                   AND ($6::text IS NULL OR hashtextextended(lower(split_part(recipient, '@', -1)), 0)
                                            = hashtextextended(lower($6::text), 0))
                 ORDER BY accepted_at, id)
                UNION ALL
                (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 0, 0) = hashtextextended(($9::text[])[1], 0)
                 ORDER BY accepted_at, id)
                UNION ALL
                (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 1, 0) = hashtextextended(($9::text[])[1], 0)
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($9::text[])[1]
                 ORDER BY accepted_at, id)
                UNION ALL
                (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 2, 0) = hashtextextended(($9::text[])[1], 0)
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($9::text[])[1]
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($9::text[])[1]
                 ORDER BY accepted_at, id)
                UNION ALL
                (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
                  FROM messages
                 WHERE account_id = owner.id AND cardinality($8::text[]) > 0
                   AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 3, 0) = hashtextextended(($9::text[])[1], 0)
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($9::text[])[1]
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($9::text[])[1]
                   AND jsonb_path_query_array(x_headers, '$.*') ->> 2 IS DISTINCT FROM ($9::text[])[1]
                 ORDER BY accepted_at, id)
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
          ORDER BY accepted_at, id
          -- Rows of one account come in the order of the list: its offset is left out here, without a sort of all before.
          LIMIT $12::bigint + CASE cardinality($1::bigint[]) WHEN 1 THEN 0 ELSE $13::bigint END
         OFFSET CASE cardinality($1::bigint[]) WHEN 1 THEN $13::bigint ELSE 0 END
     ) AS mine
     ORDER BY mine.accepted_at, mine.id
     LIMIT $12::bigint
    OFFSET CASE cardinality($1::bigint[]) WHEN 1 THEN 0 ELSE $13::bigint END
)
SELECT messages.id, messages.accepted_at, account_id, sender_id, recipient,
       delivered_at IS NOT NULL AND bounced_at IS NULL AS delivered,
       x_headers
  FROM page
  JOIN messages ON messages.id = page.id AND messages.accepted_at = page.accepted_at
 ORDER BY messages.accepted_at, messages.id
