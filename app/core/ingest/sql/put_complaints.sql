-- Write complaints; of several about one copy the earliest is kept, and of those of one moment the least.
--
-- The arrays are parallel, one element for each copy, in order of id.
-- $1 message_ids bigint[]: copies, which are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 complained_ats timestamp with time zone[]: when
-- $4 sources text[]: who told
-- $5 full_contents text[]: the whole reports
--
-- Locks: the complaints' rows, by id. Index: pk_messages, pk_complaints.
INSERT INTO complaints AS known (
    message_id, accepted_at, account_id, sender_id, run_id, recipient, x_headers, complained_at, source, full_content
)
SELECT messages.id, messages.accepted_at, messages.account_id, messages.sender_id, messages.run_id,
    messages.recipient, messages.x_headers, given.complained_at, given.source, given.full_content
FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[])
    AS given (message_id, accepted_at, complained_at, source, full_content)
JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
ORDER BY messages.id
ON CONFLICT (message_id, accepted_at) DO UPDATE SET
    complained_at = excluded.complained_at, source = excluded.source, full_content = excluded.full_content
WHERE (excluded.complained_at, excluded.source COLLATE "C", excluded.full_content COLLATE "C")
    < (known.complained_at, known.source, known.full_content)
