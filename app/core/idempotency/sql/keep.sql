-- Keeps an answer for a key, in the place of one that was too old.
-- Locks: the row. Index: pk_idempotency_keys.
--
-- $1 account_id bigint: whose key
-- $2 key text: the key
-- $3 digest bytea: of the request
-- $4 status smallint: of HTTP
-- $5 headers text: of the answer, as JSON
-- $6 sealed bytea: its body, encrypted
INSERT INTO idempotency_keys (account_id, key, digest, status, headers, sealed)
VALUES ($1::bigint, $2::text, $3::bytea, $4::smallint, $5::text::jsonb, $6::bytea)
ON CONFLICT (account_id, key) DO UPDATE
   SET digest = excluded.digest,
       status = excluded.status,
       headers = excluded.headers,
       sealed = excluded.sealed,
       created_at = now()
