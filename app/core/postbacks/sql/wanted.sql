-- What is to be told of events, for the accounts that want to be told.
--
-- All arrays are parallel, one element per event.
-- $1 event_ids bigint[]: the events
-- $2 account_ids bigint[]: whose
-- $3 types text[]: of the events
-- $4 kinds text[]: which URL: bounce, spam, unsubscribe
-- $5 message_ids bigint[]: copies
-- $6 accepted_ats timestamp with time zone[]: their partitions
-- $7 addresses text[]: whom the events are about
-- -> event_id bigint: the event
-- -> account_id bigint: whose
-- -> type text: of the event
-- -> kind text: which URL
-- -> message_id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition
-- -> url text: with tokens
-- -> email text: the recipient
-- -> names text[]: X-headers that are configured now
-- -> x_headers jsonb: values the copy has, null without
-- -> blocked_reason text: of a blocked copy
-- -> bounce_type text: of a bounce
-- -> category text: of a bounce
-- -> code text: of a bounce
-- -> diagnostic text: of a bounce
--
-- Locks: none. Index: pk_accounts, pk_messages, pk_bounces.
SELECT event.id AS event_id, event.account_id, event.type, event.kind, event.message_id, event.accepted_at, wish.url,
    coalesce(message.recipient, event.address) AS email, account.x_headers AS names, message.x_headers,
    message.blocked_reason, bounce.bounce_type, bounce.category, bounce.code, bounce.diagnostic
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[])
    AS event (id, account_id, type, kind, message_id, accepted_at, address)
JOIN accounts AS account ON account.id = event.account_id
CROSS JOIN LATERAL (
    SELECT
        CASE event.kind
            WHEN 'bounce' THEN account.bounce_url
            WHEN 'spam' THEN account.complaint_url
            ELSE account.unsubscribe_url END AS url,
        CASE event.kind
            WHEN 'bounce' THEN account.bounce_url_active
            WHEN 'spam' THEN account.complaint_url_active
            ELSE account.unsubscribe_url_active END AS active
) AS wish
LEFT JOIN messages AS message ON message.id = event.message_id AND message.accepted_at = event.accepted_at
LEFT JOIN bounces AS bounce ON event.type = 'email.bounced'
    AND bounce.message_id = event.message_id AND bounce.accepted_at = event.accepted_at
WHERE wish.active AND wish.url <> '' AND account.status = 'active' AND account.deleted_at IS NULL
    AND CASE event.type
        WHEN 'email.bounced' THEN bounce.message_id IS NOT NULL
        WHEN 'email.blocked' THEN message.blocked_reason IN ('hardbounce', 'softbounce')
        ELSE true END
ORDER BY event.id
