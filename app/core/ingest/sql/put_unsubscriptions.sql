-- Write unsubscriptions that are not there yet.
--
-- The arrays are parallel, in order of copy and time.
-- $1 message_ids bigint[]: copies, which are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 occurred_ats timestamp with time zone[]: when
-- $4 means text[]: how
-- $5 ips text[]: who came
-- $6 user_agents text[]: with which program
--
-- Locks: none but the new rows. Index: pk_messages, pk_unsubscriptions.
INSERT INTO unsubscriptions (
    message_id, accepted_at, id, account_id, sender_id, run_id, contact_id, recipient, x_headers, occurred_at, means,
    ip, user_agent
)
SELECT messages.id, messages.accepted_at, nextval('event_ids'), messages.account_id, messages.sender_id,
    messages.run_id, messages.contact_id, messages.recipient, messages.x_headers, given.occurred_at, given.means,
    given.ip, given.user_agent
FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
    AS given (message_id, accepted_at, occurred_at, means, ip, user_agent)
JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
WHERE NOT EXISTS (
    SELECT FROM unsubscriptions AS known
    WHERE known.message_id = given.message_id AND known.accepted_at = given.accepted_at
      AND (known.occurred_at, known.means, known.ip, known.user_agent)
        = (given.occurred_at, given.means, given.ip, given.user_agent)
)
