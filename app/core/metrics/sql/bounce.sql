-- One bounce in full, found by its copy.
-- Locks: none. Index: pk_bounces.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- $3 account_ids bigint[]: whose it may be
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
-- -> full_content text: the whole report, or the reply
-- -> diagnostic text: what the other server said
-- -> regex_name text: rule that decided
SELECT message_id, accepted_at, account_id, sender_id, recipient, bounced_at, bounce_type, category, code,
       x_headers, postback_at, full_content, diagnostic, regex_name
  FROM bounces
 WHERE message_id = $1::bigint AND accepted_at = $2::timestamptz AND account_id = ANY ($3::bigint[])
