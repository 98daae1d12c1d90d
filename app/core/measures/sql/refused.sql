-- Refused sends by their time. Their sender is the one approved with the From address that was tried.
-- Locks: none. Indexes: ix_issues_account, uq_senders_email. Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 scan_starts timestamp with time zone[]: where the ranges to read begin; they rise and do not overlap
-- $4 scan_untils timestamp with time zone[]: where they end, exclusive
-- $5 marks timestamp with time zone[]: start and end of each piece, rising; what lies between two pieces is left out
-- $6 domain text: only about addresses of this domain, in lower case; null = about any
-- $7 by text: what a key is: none, account, sender, domain
-- $8 keys text[]: only these keys; null = all
-- $9 by_second boolean: whether the largest is of the second number
-- $10 most integer: most rows, the largest first; null = all
-- -> key text: null for the key none
-- -> mark integer: 1 for the first piece, 3 for the second, and so on
-- -> first bigint: refused sends
-- -> second bigint: 0
WITH found AS (
SELECT CASE $7::text
               WHEN 'account' THEN issues.account_id::text
               WHEN 'sender' THEN sender.id::text
               WHEN 'domain' THEN nullif(lower(split_part(address, '@', -1)), '') END AS key,
       width_bucket(occurred_at, $5::timestamptz[]) AS mark
  FROM unnest($3::timestamptz[], $4::timestamptz[]) AS scan (start, until)
 CROSS JOIN issues
  LEFT JOIN LATERAL (
       SELECT max(senders.id) AS id
         FROM senders
        WHERE ($2::bigint[] IS NOT NULL OR $7::text = 'sender')
          AND senders.account_id = issues.account_id
          AND ($2::bigint[] IS NULL OR senders.id = ANY ($2::bigint[]))
          AND lower(senders.email)
              = lower(coalesce(substring(issues.sender, '<([^<>]*)>[[:space:]]*$'), issues.sender))) AS sender ON true
 WHERE issues.account_id = ANY ($1::bigint[])
   AND occurred_at >= ($3::timestamptz[])[1]
   AND occurred_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
   AND occurred_at >= scan.start AND occurred_at < scan.until
   AND ($2::bigint[] IS NULL OR sender.id IS NOT NULL)
   AND ($6::text IS NULL OR lower(split_part(address, '@', -1)) = $6::text)
)
SELECT key, mark, count(*) AS first, 0::bigint AS second
  FROM found
 WHERE mark % 2 = 1 AND ($7::text = 'none' OR key IS NOT NULL) AND ($8::text[] IS NULL OR key = ANY ($8::text[]))
 GROUP BY key, mark
 ORDER BY CASE WHEN $9::boolean THEN 0::bigint ELSE count(*) END DESC, key
 LIMIT $10::integer
