-- Senders by address, deleted ones included: they have a history as well.
--
-- The arrays are parallel.
-- $1 account_ids bigint[]: whose
-- $2 emails text[]: in lower case
-- -> account_id bigint: as given
-- -> email text: as given
-- -> id bigint: of the sender
--
-- Locks: none. Index: uq_senders_email.
SELECT given.account_id, given.email, senders.id
FROM unnest($1::bigint[], $2::text[]) AS given (account_id, email)
JOIN senders ON senders.account_id = given.account_id AND lower(senders.email) = given.email
