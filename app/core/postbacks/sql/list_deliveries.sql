-- One page of an account's calls that are still to be made or were given up, newest first.
--
-- $1 account_id bigint: whose
-- $2 kind text: only of this URL: bounce, spam, unsubscribe; null = of all
-- $3 given_up boolean: only those that were given up, or only the others; null = both
-- $4 before_id bigint: behind this call; null = from the start
-- $5 most integer: calls
-- -> id bigint: of the call
-- -> kind text: which URL
-- -> url text: complete
-- -> message_id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition
-- -> attempts smallint: tries that have ended
-- -> last_error text: why the last one failed, empty before
-- -> due_at timestamp with time zone: next try
-- -> given_up_at timestamp with time zone: null while it is tried
-- -> created_at timestamp with time zone: when it was put in
-- -> foreign_id text: what another system called the copy, null for our own
--
-- Locks: none. Index: pk_postbacks backwards; the table holds what has not succeeded.
SELECT id, kind, url, message_id, accepted_at, attempts, last_error, due_at, given_up_at, created_at,
    (
        SELECT email_id FROM foreign_email_ids
        WHERE foreign_email_ids.message_id = postbacks.message_id AND given
        LIMIT 1
    ) AS foreign_id
FROM postbacks
WHERE account_id = $1::bigint
    AND ($2::text IS NULL OR kind = $2::text)
    AND ($3::boolean IS NULL OR (given_up_at IS NOT NULL) = $3::boolean)
    AND ($4::bigint IS NULL OR id < $4::bigint)
ORDER BY id DESC
LIMIT $5::int
