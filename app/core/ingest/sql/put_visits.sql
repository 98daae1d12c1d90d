-- Write opens and clicks that are not there yet.
--
-- The arrays are parallel, in order of copy and time.
-- $1 message_ids bigint[]: copies, whose engagements are held
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 occurred_ats timestamp with time zone[]: when
-- $4 ips text[]: who came
-- $5 user_agents text[]: with which program
-- $6 machines boolean[]: whether a program came by itself
-- $7 links integer[]: number of the link of a click, null for an open
-- $8 urls text[]: where the link led, empty for an open
--
-- Locks: none but the new rows. Index: pk_messages, pk_opens, pk_clicks.
WITH given AS (
    SELECT given.*, messages.account_id, messages.sender_id, messages.run_id
    FROM unnest(
        $1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::int[], $8::text[]
    ) AS given (message_id, accepted_at, occurred_at, ip, user_agent, machine, link, url)
    JOIN messages ON messages.id = given.message_id AND messages.accepted_at = given.accepted_at
), looks AS (
    INSERT INTO opens (
        message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip, user_agent, machine
    )
    SELECT message_id, accepted_at, nextval('event_ids'), account_id, sender_id, run_id, occurred_at, ip, user_agent,
        machine
    FROM given
    WHERE link IS NULL AND NOT EXISTS (
        SELECT FROM opens AS known
        WHERE known.message_id = given.message_id AND known.accepted_at = given.accepted_at
          AND (known.occurred_at, known.ip, known.user_agent) = (given.occurred_at, given.ip, given.user_agent)
    )
)
INSERT INTO clicks (
    message_id, accepted_at, id, account_id, sender_id, run_id, link, url, occurred_at, ip, user_agent, machine
)
SELECT message_id, accepted_at, nextval('event_ids'), account_id, sender_id, run_id, link, url, occurred_at, ip,
    user_agent, machine
FROM given
WHERE link IS NOT NULL AND NOT EXISTS (
    SELECT FROM clicks AS known
    WHERE known.message_id = given.message_id AND known.accepted_at = given.accepted_at
      AND (known.occurred_at, known.url, known.ip, known.user_agent)
        = (given.occurred_at, given.url, given.ip, given.user_agent)
)
