-- One page of hard and soft bounces, by the time they were recorded, then copy.
-- Locks: none. Indexes: ix_bounces_listed; ix_bounces_recipient when a recipient is given. Wants a plan for its own
-- values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the time of the bounce
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $10 bounce_type text: only hard ones, or only soft ones; null = both
-- $11 text_length integer: most characters of the text of a bounce
-- $12 page_size integer: most rows
-- $13 skipped bigint: rows left out at the beginning
-- -> occurred_at timestamp with time zone: when it was recorded
-- -> recipient text: envelope recipient
-- -> kind text: hard or soft
-- -> category text: what was at fault
-- -> code text: enhanced status code
-- -> content text: text of the bounce
-- -> postback_at timestamp with time zone: when the postback succeeded; null = it has not
-- -> x_headers jsonb: remembered X-headers, null without
WITH page AS (
SELECT message_id, accepted_at, bounced_at
  FROM bounces
 WHERE account_id = $1::bigint
   AND bounced_at >= $2::timestamptz
   AND bounced_at < $3::timestamptz
   AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
   AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                             AND lower(recipient) = lower($5::text)))
   AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
-- include with_headers
   AND ($10::text IS NULL OR bounce_type = $10::text)
 ORDER BY bounced_at, message_id
 LIMIT $12::integer
OFFSET $13::bigint
)
SELECT bounce.bounced_at AS occurred_at, bounce.recipient, bounce.bounce_type AS kind, bounce.category, bounce.code,
       left(bounce.full_content, $11::integer) AS content,
       bounce.postback_at, bounce.x_headers
  FROM page
  JOIN bounces AS bounce ON bounce.message_id = page.message_id AND bounce.accepted_at = page.accepted_at
 ORDER BY page.bounced_at, page.message_id
