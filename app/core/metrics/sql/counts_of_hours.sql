-- What the counters know of whole hours of one day, per sender or per account.
-- Locks: none. Indexes: ix_hourly_counts_hour, pk_closed_hours.
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the first hour
-- $4 until timestamp with time zone: start of the hour after the last one, at most the end of that day, UTC
-- $5 by_account boolean: whether a key is an account; else a sender
-- $6 what text: accepted, bounces, blocked, or blocked for one of complaint, hardbounce, manual, softbounce, unsubscribe
-- -> key bigint: account or sender
-- -> first bigint: copies; of bounces the soft ones
-- -> second bigint: of bounces the hard ones; of blocked copies those because of earlier soft bounces
-- -> third bigint: of blocked copies those because of earlier hard bounces
WITH closed AS (
    SELECT account_id, sender_id,
           CASE $6::text
               WHEN 'accepted' THEN accepted
               WHEN 'bounces' THEN soft_bounces
               WHEN 'blocked' THEN blocked
               WHEN 'complaint' THEN blocked_complaint
               WHEN 'hardbounce' THEN blocked_hardbounce
               WHEN 'manual' THEN blocked_manual
               WHEN 'softbounce' THEN blocked_softbounce
               WHEN 'unsubscribe' THEN blocked_unsubscribe END AS first,
           CASE WHEN $6::text = 'bounces' THEN hard_bounces
                WHEN $6::text IN ('blocked', 'softbounce') THEN blocked_softbounce END AS second,
           CASE WHEN $6::text IN ('blocked', 'hardbounce') THEN blocked_hardbounce END AS third
      FROM closed_hours
     WHERE account_id = ANY ($1::bigint[]) AND day = ($3::timestamptz AT TIME ZONE 'UTC')::date
), parts AS (
    SELECT account_id, sender_id,
-- include first_number
           CASE WHEN $6::text = 'bounces' THEN hard_bounces
                WHEN $6::text IN ('blocked', 'softbounce') THEN blocked_softbounce END AS second,
           CASE WHEN $6::text IN ('blocked', 'hardbounce') THEN blocked_hardbounce END AS third
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $3::timestamptz AND hour < $4::timestamptz
    UNION ALL
    SELECT account_id, sender_id,
           (SELECT sum(number) FROM unnest(closed.first[hours.first:hours.last]) AS number),
           (SELECT sum(number) FROM unnest(closed.second[hours.first:hours.last]) AS number),
           (SELECT sum(number) FROM unnest(closed.third[hours.first:hours.last]) AS number)
      FROM closed
     CROSS JOIN (
         SELECT extract(hour FROM $3::timestamptz AT TIME ZONE 'UTC')::integer + 1 AS first,
                extract(hour FROM ($4::timestamptz - interval '1 hour') AT TIME ZONE 'UTC')::integer + 1 AS last
     ) AS hours
)
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key,
       coalesce(sum(first), 0)::bigint AS first,
       coalesce(sum(second), 0)::bigint AS second,
       coalesce(sum(third), 0)::bigint AS third
  FROM parts
 WHERE $2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[])
 GROUP BY 1
