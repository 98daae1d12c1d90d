-- How many opened copies `unique_opens` lists.
-- Locks: none. Indexes: as `unique_opens`. Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_id bigint: whose
-- $2 start timestamp with time zone: start of the range, on the first open of the copy
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only of these senders; null = of all
-- $5 recipient text: only of copies for this address, ignoring case; null = for all
-- $6 domain text: only of copies for this domain, ignoring case; null = for all
-- $7 header_names text[]: remembered X-headers that must have a value, as they are most likely spelled; empty = any
-- $8 header_values text[]: these values, exactly; as many as names
-- $9 headers text: the same as a JSON object, which decides alone where the names are spelled so
-- -> found bigint: how many
SELECT count(*) AS found
  FROM engagements AS event
 WHERE account_id = $1::bigint
   AND opened_at >= $2::timestamptz
   AND opened_at < $3::timestamptz
-- include of_copy
