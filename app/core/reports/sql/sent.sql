-- One page of accepted copies, by acceptance, then id: found in the index, and read only when they are on the page.
-- Locks: none. Indexes: ix_messages_account (index-only without other filters than the sender); ix_messages_recipient,
-- ix_messages_domain, or ix_messages_header_0 to _3 when one is given: each ends with the order of the list. Which of a
-- copy's X-headers has the value is not known, so all four are asked; a copy is found where the value stands first.
-- Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the second of acceptance
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $10 delivered boolean: only copies that the receiving server took and that have not bounced since
-- $11 page_size integer: most rows
-- $12 skipped bigint: rows left out at the beginning
-- -> accepted_at timestamp with time zone: second of acceptance
-- -> accepted_ms smallint: milliseconds within it
-- -> recipient text: envelope recipient
-- -> x_headers jsonb: remembered X-headers, null without
WITH page AS (
 SELECT id, accepted_at
   FROM (
        (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
          FROM messages
         WHERE account_id = $1::bigint AND cardinality($7::text[]) = 0
           AND ($6::text IS NULL OR hashtextextended(lower(split_part(recipient, '@', -1)), 0)
                                    = hashtextextended(lower($6::text), 0))
         ORDER BY accepted_at, id)
        UNION ALL
        (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
          FROM messages
         WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
           AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 0, 0) = hashtextextended(($8::text[])[1], 0)
         ORDER BY accepted_at, id)
        UNION ALL
        (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
          FROM messages
         WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
           AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 1, 0) = hashtextextended(($8::text[])[1], 0)
           AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($8::text[])[1]
         ORDER BY accepted_at, id)
        UNION ALL
        (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
          FROM messages
         WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
           AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 2, 0) = hashtextextended(($8::text[])[1], 0)
           AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($8::text[])[1]
           AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($8::text[])[1]
         ORDER BY accepted_at, id)
        UNION ALL
        (SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
          FROM messages
         WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
           AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 3, 0) = hashtextextended(($8::text[])[1], 0)
           AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($8::text[])[1]
           AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($8::text[])[1]
           AND jsonb_path_query_array(x_headers, '$.*') ->> 2 IS DISTINCT FROM ($8::text[])[1]
         ORDER BY accepted_at, id)
   ) AS found
-- include asked_for
  ORDER BY accepted_at, id
  LIMIT $11::integer
 OFFSET $12::bigint
)
SELECT copy.accepted_at, copy.accepted_ms, copy.recipient, copy.x_headers
  FROM page
  JOIN messages AS copy ON copy.id = page.id AND copy.accepted_at = page.accepted_at
 ORDER BY page.accepted_at, page.id
