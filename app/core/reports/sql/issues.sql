-- One page of refused sends, by time, then id.
-- Locks: none. Index: ix_issues_account. Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the time of the refusal
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender text: only with this From address, ignoring case; null = with any
-- $5 recipient text: only about this address, ignoring case; null = about any
-- $6 domain text: only about addresses of this domain, ignoring case; null = about any
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- $10 page_size integer: most rows
-- $11 skipped bigint: rows left out at the beginning
-- -> occurred_at timestamp with time zone: when
-- -> address text: offending address, or the first recipient
-- -> issue_type text: why
-- -> description text: what the client was told
-- -> x_headers jsonb: remembered X-headers, null without
SELECT occurred_at, address, issue_type, description, x_headers
  FROM issues
 WHERE account_id = $1::bigint
   AND occurred_at >= $2::timestamptz
   AND occurred_at < $3::timestamptz
   AND ($4::text IS NULL OR lower(coalesce(substring(sender, '<([^<>]*)>[[:space:]]*$'), sender)) = lower($4::text))
   AND ($5::text IS NULL OR lower(address) = lower($5::text))
   AND ($6::text IS NULL OR lower(split_part(address, '@', -1)) = lower($6::text))
-- include with_headers
 ORDER BY occurred_at, id
 LIMIT $10::integer
OFFSET $11::bigint
