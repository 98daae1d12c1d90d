-- How many refused sends `issues` lists.
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
-- -> found bigint: how many
SELECT count(*) AS found
  FROM issues
 WHERE account_id = $1::bigint
   AND occurred_at >= $2::timestamptz
   AND occurred_at < $3::timestamptz
   AND ($4::text IS NULL OR lower(coalesce(substring(sender, '<([^<>]*)>[[:space:]]*$'), sender)) = lower($4::text))
   AND ($5::text IS NULL OR lower(address) = lower($5::text))
   AND ($6::text IS NULL OR lower(split_part(address, '@', -1)) = lower($6::text))
-- include with_headers
