-- One page of complaints, by time, then copy.
-- Locks: none. Index: ix_complaints_account. Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the time of the complaint
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $10 page_size integer: most rows
-- $11 skipped bigint: rows left out at the beginning
-- -> occurred_at timestamp with time zone: when it came in
-- -> recipient text: envelope recipient
-- -> postback_at timestamp with time zone: when the postback succeeded; null = it has not
-- -> x_headers jsonb: remembered X-headers, null without
SELECT complained_at AS occurred_at, recipient, postback_at, x_headers
  FROM complaints
 WHERE account_id = $1::bigint
   AND complained_at >= $2::timestamptz
   AND complained_at < $3::timestamptz
   AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
   AND ($5::text IS NULL OR lower(recipient) = lower($5::text))
   AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
-- include with_headers
 ORDER BY complained_at, message_id
 LIMIT $10::integer
OFFSET $11::bigint
