-- Whether an attempt was committed; asked when the answer to a commit was lost.
--
-- $1 message_id bigint: the copy
-- $2 accepted_at timestamp with time zone: its partition
-- $3 attempt smallint: number of the attempt
-- $4 lease_id bigint: the claim
-- -> known boolean: true when it is there
--
-- Locks: none. Index: pk_attempts.
SELECT EXISTS (
    SELECT FROM attempts
    WHERE message_id = $1::bigint AND accepted_at = $2::timestamptz AND attempt = $3::smallint
      AND lease_id = $4::bigint
) AS known
