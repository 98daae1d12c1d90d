-- Copies that were blocked because the recipient is suppressed, by kind.
-- A copy is blocked when it is accepted, or later, while it waits; that it waits for 100 days at most keeps the
-- search short.
-- Locks: none. Indexes: as `blocked`. Wants a plan for its own values (plan_each_time.sql).
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
-- -> kind text: previouslyhardbounced, previouslycomplained or suppressed; no row for what did not happen
-- -> found bigint: how many
SELECT CASE blocked_reason
         WHEN 'hardbounce' THEN 'previouslyhardbounced'
         WHEN 'complaint' THEN 'previouslycomplained'
         ELSE 'suppressed'
       END AS kind,
       count(*) AS found
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
 GROUP BY 1
