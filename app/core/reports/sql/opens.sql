-- One page of opens, by time, then id; of whom is read only when they are on the page.
-- Locks: none. Indexes: ix_opens_account, pk_messages; ix_messages_recipient when a recipient is given. Wants a plan
-- for its own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the time of the open
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $10 page_size integer: most rows
-- $11 skipped bigint: rows left out at the beginning
-- -> occurred_at timestamp with time zone: the time of the open
-- -> ip text: who fetched it
-- -> recipient text: envelope recipient of the copy
-- -> x_headers jsonb: remembered X-headers of the copy, null without
WITH page AS (
SELECT message_id, accepted_at, id, occurred_at, ip
  FROM opens AS event
 WHERE account_id = $1::bigint
   AND occurred_at >= $2::timestamptz
   AND occurred_at < $3::timestamptz
-- include of_copy
 ORDER BY occurred_at, id
 LIMIT $10::integer
OFFSET $11::bigint
)
SELECT page.occurred_at, page.ip, copy.recipient, copy.x_headers
  FROM page
  JOIN messages AS copy ON copy.id = page.message_id AND copy.accepted_at = page.accepted_at
 ORDER BY page.occurred_at, page.id
