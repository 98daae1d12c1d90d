-- Blocked copies of a part of an hour, by acceptance, per sender or per account.
-- Locks: none. Index: ix_messages_refused (index-only).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 until timestamp with time zone: end of the range, exclusive
-- $5 by_account boolean: whether a row is of an account; else of a sender
-- $6 reasons text[]: only copies blocked for one of these; null = for any
-- -> key bigint: account or sender
-- -> first bigint: copies
-- -> second bigint: those because of earlier soft bounces
-- -> third bigint: those because of earlier hard bounces
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key,
       count(*) AS first,
       count(*) FILTER (WHERE blocked_reason = 'softbounce') AS second,
       count(*) FILTER (WHERE blocked_reason = 'hardbounce') AS third
  FROM messages
 WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
   AND blocked_reason IS NOT NULL
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
   AND ($6::text[] IS NULL OR blocked_reason = ANY ($6::text[]))
 GROUP BY 1
