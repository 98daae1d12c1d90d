-- Put in what the active webhooks of accounts ask for, due at once.
--
-- The first six arrays are parallel, one element per event.
-- $1 account_ids bigint[]: whose
-- $2 types text[]: of the events
-- $3 sources smallint[]: kind of row
-- $4 copies bigint[]: the copy, 0 for events of none
-- $5 numbers bigint[]: number within the copy
-- $6 event_ats timestamp with time zone[]: partition of the copy, or the event's own moment
-- $7 now timestamp with time zone: instead of the clock, or null
--
-- Locks: none. Index: ix_webhooks_account, pk_accounts.
INSERT INTO webhook_deliveries (
    webhook_id, account_id, event_type, event_source, event_copy, event_row, event_at, due_at, created_at
)
SELECT webhook.id, webhook.account_id, event.type, event.source, event.copy, event.number, event.at,
    coalesce($7::timestamptz, now()), coalesce($7::timestamptz, now())
FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
    WITH ORDINALITY AS event (account_id, type, source, copy, number, at, place)
JOIN webhooks AS webhook ON webhook.account_id = event.account_id AND webhook.status = 'active'
    AND webhook.event_types && ARRAY[event.type, split_part(event.type, '.', 1) || '.*', '*']
JOIN accounts AS account ON account.id = webhook.account_id AND account.status = 'active' AND account.deleted_at IS NULL
ORDER BY event.place, webhook.id
