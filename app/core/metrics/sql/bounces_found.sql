-- How many bounces the list of a time range has (bounces.sql).
-- Locks: none. Indexes: as there. Wants a plan for its own values (planning.sql).
--
-- $1 account_ids bigint[]: whose bounces
-- $2 start timestamp with time zone: start of the range
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
-- -> found bigint: how many
SELECT count(*) AS found
  FROM unnest($1::bigint[]) AS owner (id)
  JOIN bounces ON account_id = owner.id
   AND bounced_at >= $2::timestamptz AND bounced_at < $3::timestamptz AND accepted_at < $3::timestamptz
-- include of_recipient
-- include of_headers
   AND ($11::text IS NULL OR bounce_type = $11::text)
   AND ($12::text IS NULL OR category = $12::text)
