-- Unsubscriptions through mails by their time.
-- Locks: none. Indexes: ix_unsubscriptions_account, pk_messages.
-- Wants a plan for its own values (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 scan_starts timestamp with time zone[]: where the ranges to read begin; they rise and do not overlap
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
-- -> first bigint: unsubscriptions
-- -> second bigint: 0
WITH found AS (
SELECT CASE $10::text
               WHEN 'account' THEN copy.account_id::text
               WHEN 'sender' THEN copy.sender_id::text
               WHEN 'campaign' THEN runs.campaign_id::text
               WHEN 'domain' THEN lower(split_part(copy.recipient, '@', -1)) END AS key,
       width_bucket(event.occurred_at, $5::timestamptz[]) AS mark
  FROM unnest($3::timestamptz[], $4::timestamptz[]) AS scan (start, until)
 CROSS JOIN unsubscriptions AS event
  JOIN messages AS copy ON copy.id = event.message_id AND copy.accepted_at = event.accepted_at
  LEFT JOIN runs ON runs.id = copy.run_id AND $10::text = 'campaign'
 WHERE event.account_id = ANY ($1::bigint[])
   AND event.occurred_at >= ($3::timestamptz[])[1]
   AND event.occurred_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
   AND event.occurred_at >= scan.start AND event.occurred_at < scan.until
   AND ($2::bigint[] IS NULL OR event.sender_id = ANY ($2::bigint[]))
   AND ($6::bigint[] IS NULL OR event.run_id = ANY ($6::bigint[]))
-- include of_copy
)
-- include counted
