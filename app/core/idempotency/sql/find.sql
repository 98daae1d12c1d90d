-- The answer kept for a key, unless it is too old.
-- Locks: none. Index: pk_idempotency_keys.
--
-- $1 account_id bigint: whose key
-- $2 key text: the key
-- $3 hours float8: how long answers are kept
-- -> digest bytea: of the request that was answered; no row when there is no answer
-- -> status smallint: of HTTP
-- -> headers jsonb: of the answer
-- -> sealed bytea: its body, encrypted
SELECT digest, status, headers, sealed
  FROM idempotency_keys
 WHERE account_id = $1::bigint
   AND key = $2::text
   AND created_at > now() - make_interval(secs => $3::float8 * 3600)
