-- Contacts that an audience writes to by itself now, to confirm a subscription or to welcome them, or about, when they
-- have unsubscribed. Who is not there any more, has changed meanwhile, came with a transactional message or is in an
-- audience that does not want it, is left out.
--
-- Both arrays are parallel, one element per event.
-- $1 contact_ids bigint[]: whom the events are about
-- $2 wishes text[]: confirmation, reconfirmation, welcome or notice
-- -> contact_id bigint: the contact
-- -> wish text: what it is to get
-- -> account_id bigint: whose
-- -> audience_id bigint: its audience
-- -> address text: its address
-- -> recipient text: who is written to
-- -> fields jsonb: its values by tag
-- -> template_id bigint: the audience's own template, null without
-- -> sender_id bigint: who sends: the audience's address if it is approved, else the account's first; null without
-- -> sender_email text: its address
--
-- Locks: none. Index: pk_contacts, pk_audiences, uq_senders_email.
SELECT contacts.id AS contact_id, event.wish, contacts.account_id, contacts.audience_id, contacts.address,
    CASE event.wish WHEN 'notice' THEN audiences.contact_information ->> 'email' ELSE contacts.address END AS recipient,
    contacts.fields, templates.id AS template_id, sender.id AS sender_id, sender.email AS sender_email
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS event (contact_id, wish, position)
JOIN contacts ON contacts.id = event.contact_id AND contacts.removed_at IS NULL
JOIN audiences ON audiences.id = contacts.audience_id AND audiences.deleted_at IS NULL
LEFT JOIN templates ON templates.account_id = contacts.account_id AND templates.deleted_at IS NULL
    AND templates.id = CASE
        WHEN audiences.settings ->> (replace(event.wish, 'reconf', 'conf') || '_template_id') ~ '^[0-9]{1,18}$'
        THEN (audiences.settings ->> (replace(event.wish, 'reconf', 'conf') || '_template_id'))::bigint END
LEFT JOIN LATERAL (
    SELECT senders.id, senders.email
    FROM senders
    WHERE senders.account_id = contacts.account_id AND senders.status = 'ready' AND senders.deleted_at IS NULL
    ORDER BY lower(senders.email) = lower(coalesce(audiences.from_email, '')) DESC, senders.id
    LIMIT 1
) AS sender ON true
WHERE CASE event.wish
    WHEN 'confirmation' THEN contacts.status = 'unconfirmed' AND contacts.source IS DISTINCT FROM 'transactional'
        AND audiences.settings -> 'double_opt_in' = 'true'::jsonb
    WHEN 'reconfirmation' THEN contacts.status = 'unconfirmed'
    WHEN 'notice' THEN contacts.status = 'unsubscribed' AND audiences.contact_information ->> 'email' <> ''
        AND audiences.settings -> 'notify_unsubscribe' = 'true'::jsonb
    ELSE contacts.status = 'subscribed' AND audiences.settings -> 'send_welcome' = 'true'::jsonb END
ORDER BY event.position
