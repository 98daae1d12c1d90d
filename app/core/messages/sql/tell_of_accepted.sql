-- Put events into the outbox for copies that were just accepted, or blocked, where the account's webhooks ask for it; and
-- for those that were blocked because their address bounced, for accounts whose postback is to tell of it.
--
-- A statement of its own, run for groups with such copies: in `accept` it would cost every group its share of planning.
--
-- $1 ids bigint[]: of copies that were written in this transaction
-- $2 accepted_ats timestamp with time zone[]: their seconds of acceptance
--
-- Locks: the new rows, for which nobody waits. Index: pk_messages, pk_accounts.
INSERT INTO domain_events (account_id, type, message_id, accepted_at, address)
SELECT messages.account_id, kind.type, messages.id, messages.accepted_at, messages.recipient
FROM unnest($1::bigint[], $2::timestamptz[]) AS written (id, accepted_at)
JOIN messages ON messages.id = written.id AND messages.accepted_at = written.accepted_at
JOIN accounts ON accounts.id = messages.account_id
CROSS JOIN (VALUES ('email.accepted'), ('email.blocked')) AS kind (type)
WHERE CASE kind.type
    WHEN 'email.accepted' THEN kind.type = ANY (accounts.told_events)
    ELSE messages.state = 'blocked' AND (
        kind.type = ANY (accounts.told_events)
        OR (accounts.bounce_url_active AND messages.blocked_reason IN ('hardbounce', 'softbounce'))
    ) END
ORDER BY messages.id, kind.type
