-- Where one page of bounces lies, told by the index: from the first to the last bounce of the page in the order of the
-- time in full. The seconds around them hold the same page in the order of seconds.
-- A bounce lies in the partition of its copy, which was accepted before.
-- Locks: none.
-- Indexes: ix_bounces_account; ix_bounces_recipient when a recipient is given. Wants a plan for its own values
-- (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose bounces
-- $2 start timestamp with time zone: start of the range
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
-- $13 skipped bigint: rows left out at the beginning
-- -> first_at timestamp with time zone: of the first bounce of the page; null when there is none
-- -> first_id bigint: its copy
-- -> last_at timestamp with time zone: of the last one
WITH page AS (
    SELECT mine.bounced_at, mine.message_id
      FROM unnest($1::bigint[]) AS owner (id)
     CROSS JOIN LATERAL (
         SELECT bounced_at, message_id
           FROM bounces
          WHERE account_id = owner.id
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
          ORDER BY bounced_at, message_id
          LIMIT $12::bigint + $13::bigint
     ) AS mine
     ORDER BY mine.bounced_at, mine.message_id
     LIMIT $12::bigint
    OFFSET $13::bigint
)
SELECT min(bounced_at) AS first_at,
       (array_agg(message_id ORDER BY bounced_at, message_id))[1] AS first_id,
       max(bounced_at) AS last_at
  FROM page
