-- Write bounces; of several reports of one copy the earliest is kept, and of those of one moment the least.
--
-- The arrays are parallel, one element for each copy, in order of id.
-- $1 message_ids bigint[]: copies, which are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 bounced_ats timestamp with time zone[]: when
-- $4 bounce_types text[]: hard or soft
-- $5 categories text[]: what was at fault
-- $6 codes text[]: enhanced status codes
-- $7 regex_names text[]: rules that decided
-- $8 diagnostics text[]: what the other server said
-- $9 full_contents text[]: the whole reports
--
-- Locks: the bounces' rows, by id. Index: pk_messages, pk_bounces.
INSERT INTO bounces AS known (
    message_id, accepted_at, account_id, sender_id, recipient, x_headers,
    bounced_at, bounce_type, category, code, regex_name, diagnostic, full_content
)
SELECT messages.id, messages.accepted_at, messages.account_id, messages.sender_id, messages.recipient,
    messages.x_headers, given.bounced_at, bounce_type, category, code, regex_name, diagnostic, full_content
FROM unnest(
    $1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[]
) AS given (
    message_id, accepted_at, bounced_at, bounce_type, category, code, regex_name, diagnostic, full_content
)
JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
ORDER BY messages.id
ON CONFLICT (message_id, accepted_at) DO UPDATE SET
    bounced_at = excluded.bounced_at, bounce_type = excluded.bounce_type, category = excluded.category,
    code = excluded.code, regex_name = excluded.regex_name, diagnostic = excluded.diagnostic,
    full_content = excluded.full_content
WHERE (
    excluded.bounced_at, excluded.bounce_type COLLATE "C", excluded.category COLLATE "C", excluded.code COLLATE "C",
    excluded.regex_name COLLATE "C", excluded.diagnostic COLLATE "C", excluded.full_content COLLATE "C"
) < (
    known.bounced_at, known.bounce_type, known.category, known.code, known.regex_name, known.diagnostic,
    known.full_content
)
