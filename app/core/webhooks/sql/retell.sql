-- Write down which events are written to the outbox for the webhooks of an account alone.
--
-- $1 account_id bigint: whose; its row is held
-- $2 types text[]: that are written where a webhook asks for them, and nowhere else
--
-- Locks: the account's row, which the caller holds. Index: pk_accounts, ix_webhooks_account.
UPDATE accounts SET told_events = wanted.types
FROM (
    SELECT coalesce(array_agg(kind.type ORDER BY kind.type), '{}') AS types
    FROM unnest($2::text[]) AS kind (type)
    WHERE EXISTS (
        SELECT FROM webhooks
        WHERE webhooks.account_id = $1::bigint AND webhooks.status = 'active'
            AND webhooks.event_types && ARRAY[kind.type, split_part(kind.type, '.', 1) || '.*', '*']
    )
) AS wanted
WHERE accounts.id = $1::bigint AND accounts.told_events <> wanted.types
