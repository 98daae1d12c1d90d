-- Put events into the outbox for copies that were blocked because their address bounced, for accounts that asked to be told.
--
-- A statement of its own, run for groups with such copies: in `accept` it would cost every group its share of planning.
--
-- $1 ids bigint[]: of copies that were written in this transaction
-- $2 accepted_ats timestamp with time zone[]: their seconds of acceptance
--
-- Locks: the new rows, for which nobody waits. Index: pk_messages, pk_accounts.
INSERT INTO domain_events (account_id, type, message_id, accepted_at, address)
SELECT messages.account_id, 'email.blocked', messages.id, messages.accepted_at, messages.recipient
FROM unnest($1::bigint[], $2::timestamptz[]) AS written (id, accepted_at)
JOIN messages ON messages.id = written.id AND messages.accepted_at = written.accepted_at
JOIN accounts ON accounts.id = messages.account_id
WHERE messages.state = 'blocked' AND messages.blocked_reason IN ('hardbounce', 'softbounce')
    AND accounts.bounce_url_active
ORDER BY messages.id
