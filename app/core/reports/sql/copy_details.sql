-- What a page of copies lacks: content's subject, From address, campaign, opens and clicks, what another system called it.
--
-- The arrays are parallel, one element per copy.
-- $1 message_ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- -> message_id bigint: the copy
-- -> sender text: From address
-- -> subject text: of the mail, or of the campaign before it is personalised; null when it is not kept
-- -> campaign_id bigint: null for a single mail
-- -> opens integer: how often it was opened
-- -> clicks integer: how often a link of it was followed
-- -> foreign_id text: its name in another system, null for our own
--
-- Locks: none. Index: the primary keys, ix_foreign_email_ids_message_id.
SELECT copy.id AS message_id, senders.email AS sender,
    CASE WHEN copy.mail_id IS NOT NULL THEN (
        SELECT line ->> 1
        FROM mails
        CROSS JOIN LATERAL jsonb_array_elements(mails.headers) AS line
        WHERE mails.id = copy.mail_id AND mails.accepted_at = copy.accepted_at AND lower(line ->> 0) = 'subject'
        LIMIT 1
    ) ELSE coalesce(runs.subject, campaigns.subject) END AS subject,
    runs.campaign_id, coalesce(engagements.opens, 0) AS opens, coalesce(engagements.clicks, 0) AS clicks,
    (
        SELECT email_id FROM foreign_email_ids WHERE foreign_email_ids.message_id = copy.id AND given LIMIT 1
    ) AS foreign_id
FROM unnest($1::bigint[], $2::timestamptz[]) AS given (id, accepted_at)
CROSS JOIN LATERAL (
    SELECT * FROM messages WHERE messages.id = given.id AND messages.accepted_at = given.accepted_at
    OFFSET 0
) AS copy
LEFT JOIN senders ON senders.id = copy.sender_id
LEFT JOIN runs ON runs.id = copy.run_id
LEFT JOIN campaigns ON campaigns.id = runs.campaign_id
LEFT JOIN engagements ON engagements.message_id = copy.id AND engagements.accepted_at = copy.accepted_at
