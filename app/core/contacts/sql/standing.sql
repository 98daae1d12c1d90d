-- What stands in the way of simply adding some addresses to an audience: contacts it has, removed ones included, and
-- entries of the suppression list. Addresses without either have no row.
-- Each address is looked for by itself: a planner that takes a table for small, as after a fast import, would read all
-- of it for every address. LIMIT keeps the look-ups apart, the sum keeps them off the index that knows no addresses.
-- Locks: none. Index: uq_contacts_account_id_address_audience_id, uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 addresses text[]: trimmed, lower case, each once
-- -> address text: one row per address that has a contact or an entry
-- -> contact_id bigint: the audience's contact of this address; null without
SELECT given.address, known.id AS contact_id
  FROM unnest($3::text[]) AS given (address)
  LEFT JOIN LATERAL (
       SELECT id
         FROM contacts
        WHERE account_id = $1::bigint AND address = given.address AND audience_id + 0 = $2::bigint
        LIMIT 1
       ) AS known ON true
  LEFT JOIN LATERAL (
       SELECT id
         FROM suppressions
        WHERE account_id = $1::bigint AND address = given.address
        LIMIT 1
       ) AS listed ON true
 WHERE known.id IS NOT NULL
    OR listed.id IS NOT NULL
