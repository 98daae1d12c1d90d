-- Bring contacts in line with the suppression list, for bounced addresses whose entries the caller holds: whoever was
-- subscribed or unconfirmed becomes blacklisted (docs/contract/dyn-email.md, 16). Contacts are held whatever their
-- status, because a status may be changing in a transaction that is still open.
-- The same rule as in `couple.sql`, which says why there are two; here the entry is known to be none of `unsubscribe`, and
-- nobody has complained.
--
-- The arrays are parallel.
-- $1 account_ids bigint[]: whose contacts
-- $2 addresses text[]: trimmed, lower case; one for each account
-- $3 message_ids bigint[]: the copy that bounced
-- $4 accepted_ats timestamp with time zone[]: its partition
--
-- Locks: all contacts of the addresses, by id. Index: uq_contacts_account_id_address_audience_id, pk_contacts.
WITH held AS (
    SELECT contacts.id, contacts.status, given.message_id, given.accepted_at
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[])
        AS given (account_id, address, message_id, accepted_at)
    JOIN contacts ON contacts.account_id = given.account_id AND contacts.address = given.address
    ORDER BY contacts.id
    FOR NO KEY UPDATE OF contacts
), changed AS (
    UPDATE contacts SET status = 'blacklisted', status_before = held.status, updated_at = now()
    FROM held
    WHERE contacts.id = held.id AND held.status IN ('subscribed', 'unconfirmed')
    RETURNING contacts.id, contacts.account_id, contacts.audience_id, contacts.address, contacts.removed_at,
        contacts.status, contacts.status_before, held.message_id, held.accepted_at
)
INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, message_id, accepted_at, data)
SELECT account_id, 'contact.unsubscribed', id, audience_id, address, message_id, accepted_at,
    jsonb_build_object('status', status, 'status_before', status_before)
FROM changed
WHERE removed_at IS NULL
ORDER BY id
