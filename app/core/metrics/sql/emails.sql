-- One page of accepted copies, by acceptance, then id.
-- Locks: none.
-- Indexes: ix_messages_account; ix_messages_recipient when a recipient is given. Wants a plan for its own values
-- (plan_each_time.sql), so that filters which are null cost nothing and months outside the range are not looked at.
--
-- $1 account_ids bigint[]: whose copies
-- $2 start timestamp with time zone: start of the range, whole second
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only copies of these senders; null = of all
-- $5 recipient text: only copies for this address, ignoring case; null = for all
-- $6 domain text: only copies for this domain, ignoring case; null = for all
-- $7 local text: only copies for this local part, ignoring case; null = for all
-- $8 delivered boolean: only copies that are delivered and have not bounced, or only others; null = all
-- $9 header_names text[]: remembered X-headers that must have a value, in lower case; empty = any
-- $10 header_values text[]: these values, exactly; as many as names
-- $11 page_size integer: most rows
-- $12 skipped bigint: rows left out at the beginning
-- -> id bigint: of the copy
-- -> accepted_at timestamp with time zone: second of acceptance
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> recipient text: envelope recipient
-- -> delivered boolean: taken by the receiving server and not bounced since
-- -> x_headers jsonb: remembered X-headers, null without
SELECT id, accepted_at, account_id, sender_id, recipient,
       delivered_at IS NOT NULL AND bounced_at IS NULL AS delivered,
       x_headers
  FROM messages
 WHERE account_id = ANY ($1::bigint[])
   AND accepted_at >= $2::timestamptz
   AND accepted_at < $3::timestamptz
   AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
   AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                             AND lower(recipient) = lower($5::text)))
   AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
   AND ($7::text IS NULL
        OR lower(left(recipient, -1 - length(split_part(recipient, '@', -1)))) = lower($7::text))
   AND ($8::boolean IS NULL OR (delivered_at IS NOT NULL AND bounced_at IS NULL) = $8::boolean)
   AND (cardinality($9::text[]) = 0
        OR NOT EXISTS (SELECT FROM unnest($9::text[], $10::text[]) AS wanted (name, value)
                        WHERE NOT EXISTS (SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                                           WHERE lower(had.name) = wanted.name AND had.value = wanted.value)))
 ORDER BY accepted_at, id
 LIMIT $11::integer
OFFSET $12::bigint
