-- Keep a group of mails and drop the oldest beyond the limit.
--
-- Ids come from one sequence that nothing else uses, so that no more than $10 mails have ids above "newest - $10".
-- Arrays $1 to $9 are parallel, one element per mail.
-- $1 received_ats timestamptz[]: when it came
-- $2 envelope_froms text[]: "" for the null sender
-- $3 recipients text[]: of the envelope, one a line
-- $4 from_headers text[]: decoded
-- $5 subjects text[]: decoded
-- $6 raws bytea[]: the mail
-- $7 accepted_ats timestamptz[]: partition of the copy, null when the return path is not ours
-- $8 message_ids int8[]: the copy
-- $9 email_ids text[]: its public id, or ""
-- $10 max_messages int8: mails kept at most
--
-- Locks: the rows that go. Index: primary keys of messages and sandbox_messages.
WITH added AS (
    INSERT INTO sandbox_messages (
        received_at, envelope_from, recipients, from_header, subject, size, raw, email_id, account_id
    )
    SELECT received_at, envelope_from, string_to_array(recipients, E'\n'), from_header, subject, length(raw), raw,
        email_id,
        (SELECT account_id FROM messages WHERE messages.id = message_id AND messages.accepted_at = given.accepted_at)
    FROM unnest(
        $1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[],
        $8::bigint[], $9::text[]
    ) AS given (
        received_at, envelope_from, recipients, from_header, subject, raw, accepted_at, message_id, email_id
    )
    RETURNING id
)
DELETE FROM sandbox_messages
WHERE id <= (SELECT max(id) FROM added) - $10::bigint
