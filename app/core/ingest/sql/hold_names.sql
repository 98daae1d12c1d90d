-- Hold the names of copies, those that are new included.
--
-- The arrays are parallel, in order of account and name.
-- $1 account_ids bigint[]: whose
-- $2 email_ids text[]: of the other system
-- $3 accepted_ats timestamp with time zone[]: partition of a copy that is new
-- $4 given boolean[]: whether the name is shown
-- -> account_id bigint: as given
-- -> email_id text: as given
-- -> message_id bigint: the copy's id
-- -> accepted_at timestamp with time zone: its partition
--
-- Locks: the names, by account and name. Index: pk_foreign_email_ids.
INSERT INTO foreign_email_ids AS known (account_id, email_id, message_id, accepted_at, given)
SELECT name.account_id, name.email_id, nextval('message_ids'), name.accepted_at, name.given
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::boolean[])
    AS name (account_id, email_id, accepted_at, given)
ON CONFLICT (account_id, email_id) DO UPDATE SET given = known.given
RETURNING account_id, email_id, message_id, accepted_at
