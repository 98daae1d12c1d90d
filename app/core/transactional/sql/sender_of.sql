-- The approved sender of an address, or the account's first one.
--
-- $1 account_id bigint: whose
-- $2 email text: the address in lower case; empty: any
-- -> id bigint: the sender
-- -> email text: its address
--
-- Locks: none. Index: uq_senders_email.
SELECT id, email
FROM senders
WHERE account_id = $1::bigint AND status = 'ready' AND deleted_at IS NULL
    AND ($2::text = '' OR lower(email) = $2::text)
ORDER BY id
LIMIT 1
