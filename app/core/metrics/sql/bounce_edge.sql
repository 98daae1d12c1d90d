-- Bounces of a part of an hour, per sender or per account, all in one row. A bounce lies in the partition of its copy,
-- which was accepted before.
-- Locks: none. Index: ix_bounces_listed (index-only).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the range, whole second
-- $4 until timestamp with time zone: end of the range, exclusive
-- $5 by_account boolean: whether a key is an account; else a sender
-- -> keys bytea: accounts or senders, eight octets each, highest first; null: none
-- -> first bytea: as many numbers of soft ones, four octets each
-- -> second bytea: the same of hard ones
-- -> third bytea: null
WITH found AS (
    SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key,
           count(*) FILTER (WHERE bounce_type = 'soft')::integer AS first,
           count(*) FILTER (WHERE bounce_type = 'hard')::integer AS second
      FROM bounces
     WHERE account_id = ANY ($1::bigint[]) AND bounced_at >= $3::timestamptz AND bounced_at < $4::timestamptz
       AND accepted_at < $4::timestamptz
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
     GROUP BY 1
)
SELECT string_agg(int8send(key), '') AS keys, string_agg(int4send(first), '') AS first,
       string_agg(int4send(second), '') AS second, NULL::bytea AS third
  FROM found
