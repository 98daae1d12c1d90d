-- One page of accepted copies, by acceptance, then id: found in the index, and read only when they are on the page.
-- Locks: none. Indexes: ix_messages_account (index-only without other filters than the sender);
-- ix_messages_recipient when a recipient is given. Wants a plan for its own values (plan_each_time.sql).
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
  FROM messages
 WHERE account_id = $1::bigint
   AND accepted_at >= $2::timestamptz
   AND accepted_at < $3::timestamptz
   AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
   AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                             AND lower(recipient) = lower($5::text)))
   AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
   AND (cardinality($7::text[]) = 0
        OR x_headers @> $9::text::jsonb
        OR (NOT jsonb_exists_all(x_headers, $7::text[])
            AND coalesce(strpos(x_headers::text, to_jsonb(($8::text[])[1])::text), 0) > 0
            AND NOT EXISTS (
                SELECT FROM unnest($7::text[], $8::text[]) AS wanted (name, value)
                 WHERE NOT EXISTS (
                     SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                      WHERE lower(had.name) = lower(wanted.name) AND had.value = wanted.value))))
   AND (NOT $10::boolean OR (delivered_at IS NOT NULL AND bounced_at IS NULL))
 ORDER BY accepted_at, id
 LIMIT $11::integer
OFFSET $12::bigint
)
SELECT copy.accepted_at, copy.accepted_ms, copy.recipient, copy.x_headers
  FROM page
  JOIN messages AS copy ON copy.id = page.id AND copy.accepted_at = page.accepted_at
 ORDER BY page.accepted_at, page.id
