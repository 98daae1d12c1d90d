-- An address in the audiences of accounts.
--
-- $1 address text: in lower case
-- $2 account_id bigint: only of this account; null = of all
-- $3 limit integer: most rows
-- -> account_id bigint: owner
-- -> audience_id bigint: the audience
-- -> audience_name text: its name
-- -> contact_id bigint: the contact
-- -> status text: of the contact
-- -> created_at timestamp with time zone: when it was added
-- -> subscribed_at timestamp with time zone: when it subscribed last
-- -> unsubscribed_at timestamp with time zone: when it unsubscribed last
-- -> removed_at timestamp with time zone: when it was taken off the list
--
-- Locks: none. Index: uq_contacts_account_id_address_audience_id, for each account.
SELECT contacts.account_id, contacts.audience_id, audiences.name AS audience_name, contacts.id AS contact_id,
    contacts.status, contacts.created_at, contacts.subscribed_at, contacts.unsubscribed_at, contacts.removed_at
FROM contacts
JOIN audiences ON audiences.id = contacts.audience_id
WHERE contacts.account_id = ANY (
        ARRAY(SELECT id FROM accounts WHERE $2::bigint IS NULL OR accounts.id = $2::bigint)
    )
  AND contacts.address = $1::text AND audiences.deleted_at IS NULL
ORDER BY contacts.account_id, contacts.audience_id
LIMIT $3::int
