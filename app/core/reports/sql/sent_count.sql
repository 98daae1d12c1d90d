-- How many accepted copies `sent` lists.
-- Locks: none. Indexes: as `sent`. Wants a plan for its own values (plan_each_time.sql).
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
-- -> found bigint: how many
SELECT count(*) AS found
  FROM (
       SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
         FROM messages
        WHERE account_id = $1::bigint AND cardinality($7::text[]) = 0
          AND ($6::text IS NULL OR hashtextextended(lower(split_part(recipient, '@', -1)), 0)
                                   = hashtextextended(lower($6::text), 0))
       UNION ALL
       SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
         FROM messages
        WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
          AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 0, 0) = hashtextextended(($8::text[])[1], 0)
       UNION ALL
       SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
         FROM messages
        WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
          AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 1, 0) = hashtextextended(($8::text[])[1], 0)
          AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($8::text[])[1]
       UNION ALL
       SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
         FROM messages
        WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
          AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 2, 0) = hashtextextended(($8::text[])[1], 0)
          AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($8::text[])[1]
          AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($8::text[])[1]
       UNION ALL
       SELECT id, accepted_at, sender_id, recipient, x_headers, delivered_at, bounced_at
         FROM messages
        WHERE account_id = $1::bigint AND cardinality($7::text[]) > 0
          AND hashtextextended(jsonb_path_query_array(x_headers, '$.*') ->> 3, 0) = hashtextextended(($8::text[])[1], 0)
          AND jsonb_path_query_array(x_headers, '$.*') ->> 0 IS DISTINCT FROM ($8::text[])[1]
          AND jsonb_path_query_array(x_headers, '$.*') ->> 1 IS DISTINCT FROM ($8::text[])[1]
          AND jsonb_path_query_array(x_headers, '$.*') ->> 2 IS DISTINCT FROM ($8::text[])[1]
  ) AS found
-- include asked_for
