-- Copies that a receiving server took, by the time of that.
-- Locks: none. Index: ix_messages_account, ix_messages_domain, ix_messages_run.
-- Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 scan_starts timestamp with time zone[]: where the ranges of acceptance to read begin, long enough before; they rise
-- $4 scan_untils timestamp with time zone[]: where they end, exclusive
-- $5 marks timestamp with time zone[]: start and end of each piece, rising; what lies between two pieces is left out
-- $6 run_ids bigint[]: only copies of these runs; null = all
-- $7 audience_id bigint: only copies for contacts of this audience; null = all
-- $8 domain text: only copies for this domain, in lower case; null = all
-- $9 kind text: only copies of this kind; null = all
-- $10 by text: what a key is: none, account, sender, campaign, domain
-- $11 keys text[]: only these keys; null = all
-- $12 by_second boolean: whether the largest is of the second number
-- $13 most integer: most rows, the largest first; null = all
-- -> key text: null for the key none
-- -> mark integer: 1 for the first piece, 3 for the second, and so on
-- -> first bigint: delivered copies
-- -> second bigint: 0
WITH found AS (
SELECT CASE $10::text
               WHEN 'account' THEN copy.account_id::text
               WHEN 'sender' THEN copy.sender_id::text
               WHEN 'campaign' THEN runs.campaign_id::text
               WHEN 'domain' THEN lower(split_part(copy.recipient, '@', -1)) END AS key,
       width_bucket(copy.delivered_at, $5::timestamptz[]) AS mark
  FROM unnest($3::timestamptz[], $4::timestamptz[]) AS scan (start, until)
 CROSS JOIN messages AS copy
  LEFT JOIN runs ON runs.id = copy.run_id AND $10::text = 'campaign'
 WHERE copy.account_id = ANY ($1::bigint[])
   AND copy.accepted_at >= ($3::timestamptz[])[1]
   AND copy.accepted_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
   AND copy.accepted_at >= scan.start AND copy.accepted_at < scan.until
   AND copy.delivered_at IS NOT NULL
   AND ($2::bigint[] IS NULL OR copy.sender_id = ANY ($2::bigint[]))
-- include of_copy
)
-- include counted
