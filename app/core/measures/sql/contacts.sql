-- Contacts that were subscribed, and that ceased to be, by the time of that.
-- Locks: none. Index: ix_domain_events_account.
-- Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose
-- $2 audience_id bigint: only contacts of this audience; null = of all
-- $3 scan_starts timestamp with time zone[]: where the ranges to read begin; they rise and do not overlap
-- $4 scan_untils timestamp with time zone[]: where they end, exclusive
-- $5 marks timestamp with time zone[]: start and end of each piece, rising; what lies between two pieces is left out
-- $6 domain text: only addresses of this domain, in lower case; null = all
-- $7 by text: what a key is: none, account, domain
-- $8 keys text[]: only these keys; null = all
-- $9 by_second boolean: whether the largest is of the second number
-- $10 most integer: most rows, the largest first; null = all
-- -> key text: null for the key none
-- -> mark integer: 1 for the first piece, 3 for the second, and so on
-- -> first bigint: subscribed
-- -> second bigint: unsubscribed, whatever the reason
WITH found AS (
SELECT CASE $7::text
               WHEN 'account' THEN account_id::text
               WHEN 'domain' THEN lower(split_part(address, '@', -1)) END AS key,
       width_bucket(occurred_at, $5::timestamptz[]) AS mark, type
  FROM unnest($3::timestamptz[], $4::timestamptz[]) AS scan (start, until)
 CROSS JOIN domain_events
 WHERE account_id = ANY ($1::bigint[])
   AND occurred_at >= ($3::timestamptz[])[1]
   AND occurred_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
   AND occurred_at >= scan.start AND occurred_at < scan.until
   AND type IN ('contact.subscribed', 'contact.unsubscribed')
   AND ($2::bigint IS NULL OR audience_id = $2::bigint)
   AND ($6::text IS NULL OR lower(split_part(address, '@', -1)) = $6::text)
)
SELECT key, mark, count(*) FILTER (WHERE type = 'contact.subscribed') AS first, count(*) FILTER (WHERE type = 'contact.unsubscribed') AS second
  FROM found
 WHERE mark % 2 = 1 AND ($7::text = 'none' OR key IS NOT NULL) AND ($8::text[] IS NULL OR key = ANY ($8::text[]))
 GROUP BY key, mark
 ORDER BY CASE WHEN $9::boolean THEN count(*) FILTER (WHERE type = 'contact.unsubscribed') ELSE count(*) FILTER (WHERE type = 'contact.subscribed') END DESC, key
 LIMIT $10::integer
