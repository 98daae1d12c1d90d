-- Let a call be made again at once, as if it had never been tried.
--
-- $1 account_id bigint: whose
-- $2 id bigint: of the call
-- -> id bigint: it, if the account has it
--
-- Locks: its row. Index: pk_postbacks.
UPDATE postbacks SET due_at = now(), attempts = 0, given_up_at = NULL
WHERE id = $2::bigint AND account_id = $1::bigint
RETURNING id
