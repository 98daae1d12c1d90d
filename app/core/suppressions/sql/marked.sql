-- Which of some addresses carry the bounced or complained mark.
-- Locks: none. Index: pk_recipient_marks.
--
-- $1 account_id bigint: whose
-- $2 addresses text[]: trimmed, lower case
-- -> address text: one row per mark
SELECT address
  FROM recipient_marks
 WHERE account_id = $1::bigint
   AND address = ANY ($2::text[])
