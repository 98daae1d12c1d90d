-- One page of bounces by the second they were recorded, then acceptance and id of their copies. The range is read as a
-- whole: bounces_found.sql tells which one has the page and little more. A bounce lies in the partition of its copy,
-- which was accepted before.
-- Locks: none.
-- Indexes: ix_bounces_listed (index-only), pk_bounces; ix_bounces_recipient when a recipient is given. Wants a plan for
-- its own values (planning.sql).
--
-- $1 account_ids bigint[]: whose bounces
-- $2 start timestamp with time zone: start of the range, whole second
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only bounces of these senders; null = of all
-- $5 recipient text: only of this address, ignoring case; null = of all
-- $6 domain text: only of this domain, ignoring case; null = of all
-- $7 local text: only of this local part, ignoring case; null = of all
-- $8 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $9 header_values text[]: these values, exactly; as many as names
-- $10 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $11 bounce_type text: hard or soft; null = both
-- $12 category text: only of this category; null = of all
-- $13 page_size bigint: most rows
-- $14 skipped bigint: rows left out at the beginning
-- -> message_id bigint: of the copy
-- -> accepted_at timestamp with time zone: second of its acceptance
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> recipient text: envelope recipient
-- -> bounced_at timestamp with time zone: when the bounce was recorded
-- -> bounce_type text: hard or soft
-- -> category text: one of the eighteen
-- -> code text: enhanced status code
-- -> x_headers jsonb: remembered X-headers, null without
-- -> postback_at timestamp with time zone: when the customer's postback succeeded, null if it did not
WITH page AS (
    SELECT message_id, accepted_at, date_trunc('second', bounced_at, 'UTC') AS second
      FROM bounces
     WHERE account_id = ANY ($1::bigint[])
       AND bounced_at >= $2::timestamptz AND bounced_at < $3::timestamptz AND accepted_at < $3::timestamptz
-- include of_recipient
-- include of_headers
       AND ($11::text IS NULL OR bounce_type = $11::text)
       AND ($12::text IS NULL OR category = $12::text)
     ORDER BY second, accepted_at, message_id
     LIMIT $13::bigint
    OFFSET $14::bigint
)
SELECT message_id, accepted_at, account_id, sender_id, recipient, bounced_at, bounce_type, category, code,
       x_headers, postback_at
  FROM page
  JOIN bounces USING (message_id, accepted_at)
 ORDER BY page.second, accepted_at, message_id
