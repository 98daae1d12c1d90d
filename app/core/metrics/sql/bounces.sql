-- The bounces of some seconds by second, then email id, from the place on that a given bounce has in the order of the
-- time in full: the page that bounce_span.sql has found.
-- Locks: none.
-- Indexes: ix_bounces_account; ix_bounces_recipient when a recipient is given. Wants a plan for its own values
-- (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose bounces
-- $2 start timestamp with time zone: start of the range, whole second
-- $3 until timestamp with time zone: end of the range, exclusive
-- $4 sender_ids bigint[]: only bounces of these senders; null = of all
-- $5 recipient text: only of this address, ignoring case; null = of all
-- $6 domain text: only of this domain, ignoring case; null = of all
-- $7 local text: only of this local part, ignoring case; null = of all
-- $8 header_names text[]: remembered X-headers that must have a value, in lower case; empty = any
-- $9 header_values text[]: these values, exactly; as many as names
-- $10 bounce_type text: hard or soft; null = both
-- $11 category text: only of this category; null = of all
-- $12 page_size bigint: most rows
-- $13 first_at timestamp with time zone: of the first bounce of the page in the order of the time in full
-- $14 first_id bigint: its copy
-- -> message_id bigint: of the copy
-- -> accepted_at timestamp with time zone: second of its acceptance
-- -> account_id bigint: owner
-- -> sender_id bigint: sender
-- -> recipient text: envelope recipient
-- -> bounced_at timestamp with time zone: when the bounce was recorded
-- -> bounce_type text: hard or soft
-- -> category text: one of the eighteen
-- -> code text: enhanced status code
-- -> x_headers jsonb: remembered X-headers, null without
-- -> postback_at timestamp with time zone: when the customer's postback succeeded, null if it did not
WITH placed AS (
    SELECT message_id, accepted_at, account_id, sender_id, recipient, bounced_at, bounce_type, category, code,
           x_headers, postback_at,
           row_number() OVER (ORDER BY date_trunc('second', bounced_at, 'UTC'), accepted_at, message_id) AS place,
           count(*) FILTER (WHERE (bounced_at, message_id) < ($13::timestamptz, $14::bigint)) OVER () AS skipped
      FROM bounces
     WHERE account_id = ANY ($1::bigint[])
       AND bounced_at >= $2::timestamptz AND bounced_at < $3::timestamptz AND accepted_at < $3::timestamptz
       AND ($4::bigint[] IS NULL OR sender_id = ANY ($4::bigint[]))
       AND ($5::text IS NULL OR (hashtextextended(lower(recipient), 0) = hashtextextended(lower($5::text), 0)
                                 AND lower(recipient) = lower($5::text)))
       AND ($6::text IS NULL OR lower(split_part(recipient, '@', -1)) = lower($6::text))
       AND ($7::text IS NULL
            OR lower(left(recipient, -1 - length(split_part(recipient, '@', -1)))) = lower($7::text))
       AND (cardinality($8::text[]) = 0
            OR jsonb_path_exists(x_headers, '$.* ? (@ == $v)', jsonb_build_object('v', ($9::text[])[1]))
            AND NOT EXISTS (SELECT FROM unnest($8::text[], $9::text[]) AS wanted (name, value)
                            WHERE NOT EXISTS (SELECT FROM jsonb_each_text(x_headers) AS had (name, value)
                                               WHERE lower(had.name) = wanted.name AND had.value = wanted.value)))
       AND ($10::text IS NULL OR bounce_type = $10::text)
       AND ($11::text IS NULL OR category = $11::text)
)
SELECT message_id, accepted_at, account_id, sender_id, recipient, bounced_at, bounce_type, category, code,
       x_headers, postback_at
  FROM placed
 WHERE place > skipped
 ORDER BY place
 LIMIT $12::bigint
