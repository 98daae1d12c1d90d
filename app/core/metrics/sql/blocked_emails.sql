-- One page of blocked copies, by acceptance, then id.
-- Locks: none.
-- Indexes: ix_messages_refused; ix_messages_recipient when a recipient is given. Wants a plan for its own values
-- (planning.sql), so that filters which are null cost nothing and months outside the range are not looked at.
--
-- $1 account_ids bigint[]: whose copies
-- $2 start timestamp with time zone: start of the range, whole second
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only copies of these senders; null = of all
-- $5 recipient text: only of this address, ignoring case; null = of all
-- $6 domain text: only of this domain, ignoring case; null = of all
-- $7 local text: only of this local part, ignoring case; null = of all
-- $8 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $9 header_values text[]: these values, exactly; as many as names
-- $10 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $11 reasons text[]: only copies blocked for one of these; null = for any
-- $12 page_size bigint: most rows
-- $13 skipped bigint: rows left out at the beginning
-- -> id bigint: of the copy
-- -> accepted_at timestamp with time zone: second of acceptance
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> recipient text: envelope recipient
-- -> blocked_reason text: why
-- -> postback_at timestamp with time zone: when the customer's postback succeeded, null if it did not
-- -> x_headers jsonb: remembered X-headers, null without
WITH page AS (
    SELECT mine.id, mine.accepted_at
      FROM unnest($1::bigint[]) AS owner (id)
     CROSS JOIN LATERAL (
         SELECT id, accepted_at
           FROM messages
          WHERE account_id = owner.id
            AND accepted_at >= $2::timestamptz AND accepted_at < $3::timestamptz
            AND blocked_reason IS NOT NULL
-- include of_recipient
-- include of_headers
            AND ($11::text[] IS NULL OR blocked_reason = ANY ($11::text[]))
          ORDER BY accepted_at, id
          -- Rows of one account come in the order of the list: its offset is left out here, without a sort of all before.
          LIMIT $12::bigint + CASE cardinality($1::bigint[]) WHEN 1 THEN 0 ELSE $13::bigint END
         OFFSET CASE cardinality($1::bigint[]) WHEN 1 THEN $13::bigint ELSE 0 END
     ) AS mine
     ORDER BY mine.accepted_at, mine.id
     LIMIT $12::bigint
    OFFSET CASE cardinality($1::bigint[]) WHEN 1 THEN 0 ELSE $13::bigint END
)
SELECT messages.id, messages.accepted_at, account_id, sender_id, recipient,
       blocked_reason, postback_at,
       x_headers
  FROM page
  JOIN messages ON messages.id = page.id AND messages.accepted_at = page.accepted_at
 ORDER BY messages.accepted_at, messages.id
