-- Adds contacts an audience does not have, in the order given. An address on the suppression list comes in as
-- blacklisted, or as unsubscribed when that is why it is on the list.
-- Without ON CONFLICT, which costs a third more; an address that came meanwhile is an error, and the caller begins anew.
-- Locks: none that others wait for, unless they add the same addresses.
-- Index: uq_contacts_account_id_address_audience_id, uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 addresses text[]: trimmed, lower case
-- $4 statuses text[]: of app.models.contact.ContactStatus
-- $5 fields text[]: values by tag, as JSON objects
-- $6 tags text[]: of each contact, joined by U+001F
-- $7 defaults text: values for those that leave a field out, as a JSON object
-- $8 source text: where they come from, or null
INSERT INTO contacts (account_id, audience_id, address, status, status_before, source, tags, fields,
                      subscribed_at, unsubscribed_at)
SELECT $1::bigint, $2::bigint, given.address, verdict.status,
       CASE WHEN verdict.status = 'blacklisted' THEN NULLIF(given.status, 'blacklisted') END,
       $8::text, COALESCE(string_to_array(NULLIF(given.tags, ''), E'\x1f'), '{}'),
       CASE WHEN $7::text = '{}' THEN given.fields::jsonb ELSE $7::text::jsonb || given.fields::jsonb END,
       CASE WHEN verdict.status = 'subscribed' THEN now() END,
       CASE WHEN verdict.status = 'unsubscribed' THEN now() END
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[])
       WITH ORDINALITY AS given (address, status, fields, tags, position)
  LEFT JOIN suppressions ON suppressions.account_id = $1::bigint AND suppressions.address = given.address
 CROSS JOIN LATERAL (
       SELECT CASE WHEN suppressions.reason IS NULL THEN given.status
                   WHEN suppressions.reason <> 'unsubscribe' THEN 'blacklisted'
                   WHEN given.status IN ('subscribed', 'unconfirmed') THEN 'unsubscribed'
                   ELSE given.status
               END AS status
       ) AS verdict
 ORDER BY given.position
