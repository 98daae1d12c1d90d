-- Puts in calls of URLs, due at once.
-- Locks: none.
--
-- $1 to $7 are parallel, one element per call.
-- $1 account_ids bigint[]: whose
-- $2 automation_ids bigint[]: which automation asks for it
-- $3 run_ids bigint[]: for which run
-- $4 contact_ids bigint[]: of whom it tells
-- $5 names text[]: the same on every try
-- $6 urls text[]: what to call
-- $7 bodies text[]: JSON
-- $8 endpoint text: scheme, host and port of the URLs
-- $9 now timestamp with time zone: the time
INSERT INTO automation_calls (account_id, automation_id, run_id, contact_id, name, url, body, endpoint, due_at)
SELECT given.*, $8::text, $9::timestamptz
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[]) AS given
