-- Tell of copies that have just bounced or been blocked; of blocked ones only where a bounce, or several, are the reason
-- and the account asked to be told (docs/contract/dyn-email.md, 17); what its webhooks ask for was told when it was
-- recorded.
--
-- $1 message_ids bigint[]: copies, each once; others than those above are passed over
-- $2 accepted_ats timestamp with time zone[]: their partitions
--
-- Locks: none. Index: pk_messages, pk_accounts.
INSERT INTO domain_events (account_id, type, message_id, accepted_at, contact_id, audience_id, address)
SELECT messages.account_id, 'email.' || messages.state, messages.id, messages.accepted_at, messages.contact_id,
    (messages.fields ->> '@')::bigint, messages.recipient
FROM unnest($1::bigint[], $2::timestamptz[]) AS given (message_id, accepted_at)
JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
WHERE messages.state = 'bounced' OR (
    messages.state = 'blocked' AND messages.blocked_reason IN ('hardbounce', 'softbounce')
    AND (
        SELECT bounce_url_active AND NOT 'email.blocked' = ANY (told_events)
        FROM accounts WHERE accounts.id = messages.account_id
    )
)
ORDER BY messages.id
