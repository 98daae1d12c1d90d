-- One page of copies that were blocked because the recipient is suppressed, by the moment of blocking, then id.
-- A copy is blocked when it is accepted, or later, while it waits; that it waits for 100 days at most keeps the
-- search short.
-- Locks: none. Indexes: ix_messages_refused; ix_messages_recipient when a recipient is given. Wants a plan for its
-- own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the moment of blocking
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $10 kind text: only of this kind; as the column
-- $11 page_size integer: most rows
-- $12 skipped bigint: rows left out at the beginning
-- -> occurred_at timestamp with time zone: when it was blocked
-- -> recipient text: envelope recipient
-- -> kind text: previouslyhardbounced, previouslycomplained or suppressed
-- -> reason text: of the suppression
-- -> postback_at timestamp with time zone: when the postback succeeded; null = it has not
-- -> x_headers jsonb: remembered X-headers, null without
SELECT coalesce(finished_at, accepted_at) AS occurred_at, recipient, $10::text AS kind, blocked_reason AS reason,
       postback_at, x_headers
  FROM messages
 WHERE account_id = $1::bigint
   AND blocked_reason IS NOT NULL
   AND accepted_at >= $2::timestamptz - interval '100 days'
   AND accepted_at < $3::timestamptz
   AND coalesce(finished_at, accepted_at) >= $2::timestamptz
   AND coalesce(finished_at, accepted_at) < $3::timestamptz
   AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
   AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                             AND lower(recipient) = lower($5::text)))
   AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
-- include with_headers
   AND CASE blocked_reason
         WHEN 'hardbounce' THEN 'previouslyhardbounced'
         WHEN 'complaint' THEN 'previouslycomplained'
         ELSE 'suppressed'
       END = $10::text
 ORDER BY coalesce(finished_at, accepted_at), id
 LIMIT $11::integer
OFFSET $12::bigint
