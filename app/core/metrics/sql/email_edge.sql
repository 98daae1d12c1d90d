-- Accepted copies of a part of an hour, per sender or per account.
-- Locks: none. Index: ix_messages_account (index-only).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 until timestamp with time zone: end of the range, exclusive
-- $5 by_account boolean: whether a row is of an account; else of a sender
-- -> key bigint: account or sender
-- -> first bigint: copies
-- -> second bigint: 0
-- -> third bigint: 0
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key,
       count(*) AS first, 0::bigint AS second, 0::bigint AS third
  FROM messages
 WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
 GROUP BY 1
