-- Takes the bounced and complained marks off addresses.
-- Locks: the marks, in order of address. Index: pk_recipient_marks.
--
-- $1 account_id bigint: whose
-- $2 addresses text[]: trimmed, lower case
  WITH held AS (
       SELECT account_id, address
         FROM recipient_marks
        WHERE account_id = $1::bigint AND address = ANY ($2::text[])
        ORDER BY address
          FOR UPDATE
     )
DELETE FROM recipient_marks
 USING held
 WHERE recipient_marks.account_id = held.account_id
   AND recipient_marks.address = held.address
