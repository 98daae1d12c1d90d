-- Brings contacts in line with the suppression list, for addresses whose entries the caller holds
-- (docs/contract/dyn-email.md, 16). Whoever was subscribed or unconfirmed becomes unsubscribed by an `unsubscribe`
-- entry and blacklisted by any other; a blacklisted contact whose owner unsubscribes will be unsubscribed when the entry
-- goes; the contact that complained becomes spam-reported, whatever it was.
-- Contacts are held whatever their status, because a status may be changing in a transaction that is still open.
-- `couple_bounced.sql` has the same rule for what bounces alone lead to, for groups of any accounts: a change of one is a
-- change of both. One statement for all was three to five times slower for 200 bounces, in the transaction that records
-- outcomes: it has to read the entries again, to find each contact twice, and to compare it with every address.
-- Locks: all contacts of the addresses, by id. Index: uq_contacts_account_id_address_audience_id,
-- uq_suppressions_account_id_address, pk_contacts.
--
-- $1 account_id bigint: whose list
-- $2 addresses text[]: trimmed, lower case, each once
-- $3 reasons text[]: for what they were to be entered; the entry may have another
-- $4 complaining_id bigint: the contact that complained, or null
-- $5 message_id bigint: the copy that caused it, or null
-- $6 accepted_at timestamptz: partition of the copy, or null
-- $7 tells boolean: whether an event is written for each contact that is mailed no more
  WITH given AS (
       SELECT row.address, row.reason, entry.reason AS entered
         FROM unnest($2::text[], $3::text[]) AS row (address, reason)
         JOIN suppressions AS entry ON entry.account_id = $1::bigint AND entry.address = row.address
     ), held AS (
       SELECT id, address, status, status_before
         FROM contacts
        WHERE account_id = $1::bigint
          AND (address = ANY ($2::text[]) OR id = $4::bigint)
        ORDER BY id
          FOR NO KEY UPDATE
     ), verdicts AS (
       SELECT held.id, held.status AS was, verdict.*
         FROM held
         LEFT JOIN given USING (address)
        CROSS JOIN LATERAL (
              SELECT CASE WHEN held.id = $4::bigint THEN 'spam-reported'
                          WHEN given.entered IS NULL OR held.status NOT IN ('subscribed', 'unconfirmed') THEN held.status
                          WHEN given.entered = 'unsubscribe' THEN 'unsubscribed'
                          ELSE 'blacklisted'
                     END AS status,
                     CASE WHEN held.id = $4::bigint THEN NULL
                          WHEN held.status = 'blacklisted' AND given.reason = 'unsubscribe' THEN 'unsubscribed'
                          WHEN held.status IN ('subscribed', 'unconfirmed') AND given.entered <> 'unsubscribe' THEN held.status
                          ELSE held.status_before
                     END AS status_before
              ) AS verdict
        WHERE (verdict.status, verdict.status_before) IS DISTINCT FROM (held.status, held.status_before)
     ), changed AS (
       UPDATE contacts
          SET status = verdicts.status, status_before = verdicts.status_before, updated_at = now(),
              unsubscribed_at = CASE WHEN verdicts.status = 'unsubscribed' AND verdicts.was <> 'unsubscribed'
                                     THEN now() ELSE unsubscribed_at END
         FROM verdicts
        WHERE contacts.id = verdicts.id
       RETURNING contacts.id, contacts.audience_id, contacts.address, contacts.removed_at, verdicts.status, verdicts.was
     )
INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, message_id, accepted_at, data)
SELECT $1::bigint, 'contact.unsubscribed', id, audience_id, address, $5::bigint, $6::timestamptz,
       jsonb_build_object('status', status, 'status_before', was)
  FROM changed
 WHERE $7::boolean
   AND was IN ('subscribed', 'unconfirmed')
   AND removed_at IS NULL
 ORDER BY id
