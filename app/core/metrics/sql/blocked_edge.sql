-- Blocked copies of a part of an hour, by acceptance, per sender or per account, all in one row.
-- Locks: none. Index: ix_messages_refused (index-only).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 until timestamp with time zone: end of the range, exclusive
-- $5 by_account boolean: whether a key is an account; else a sender
-- $6 reasons text[]: only copies blocked for one of these; null = for any
-- -> keys bytea: accounts or senders, eight octets each, highest first; null: none
-- -> first bytea: as many numbers of copies, four octets each
-- -> second bytea: the same of those because of earlier soft bounces
-- -> third bytea: the same of those because of earlier hard bounces
WITH found AS (
    SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key,
           count(*)::integer AS first,
           count(*) FILTER (WHERE blocked_reason = 'softbounce')::integer AS second,
           count(*) FILTER (WHERE blocked_reason = 'hardbounce')::integer AS third
      FROM messages
     WHERE account_id = ANY ($1::bigint[]) AND accepted_at >= $3::timestamptz AND accepted_at < $4::timestamptz
       AND blocked_reason IS NOT NULL
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
       AND ($6::text[] IS NULL OR blocked_reason = ANY ($6::text[]))
     GROUP BY 1
)
SELECT string_agg(int8send(key), '') AS keys, string_agg(int4send(first), '') AS first,
       string_agg(int4send(second), '') AS second, string_agg(int4send(third), '') AS third
  FROM found
