-- How many opened copies `unique_opens` lists.
-- Locks: none. Indexes: as `unique_opens`. Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the first open of the copy
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- -> found bigint: how many
SELECT count(*) AS found
  FROM engagements AS event
 WHERE account_id = $1::bigint
   AND opened_at >= $2::timestamptz
   AND opened_at < $3::timestamptz
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
