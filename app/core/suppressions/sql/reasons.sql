-- Which of some addresses an account must not mail, and why.
-- Locks: none. Index: uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose list
-- $2 addresses text[]: trimmed, lower case
-- -> address text: one row per entry
-- -> reason text: of app.models.suppression.Reason
SELECT address, reason
  FROM suppressions
 WHERE account_id = $1::bigint
   AND address = ANY ($2::text[])
