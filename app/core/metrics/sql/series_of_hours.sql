-- What the counters know of whole hours, per sender and per hour: closed hours as the 24 numbers of each day, those of
-- the first and the last day included that are not in the range; others by themselves. An hour may come more than once,
-- and then its numbers are to be added, which the caller does faster. So does it take numbers out of the binary form of
-- an array: the driver makes an object of each.
-- Locks: none. Indexes: ix_hourly_counts_hour, pk_closed_hours.
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the first hour
-- $4 until timestamp with time zone: start of the hour after the last one
-- $5 by_account boolean: whether a key is an account; else a sender
-- $6 what text: accepted, bounces, blocked, or blocked for one of complaint, hardbounce, manual, softbounce, unsubscribe
-- -> key bigint: account or sender
-- -> places integer[]: hours, counted from 1970, in which numbers begin
-- -> first bytea: integer[] as sent: for each place one number of copies, or 24; of bounces the soft ones
-- -> second bytea: of bounces the same of hard ones; else null
WITH closed AS (
    SELECT account_id, sender_id,
           (day - DATE '1970-01-01') * 24 AS place,
           CASE $6::text
               WHEN 'accepted' THEN accepted
               WHEN 'bounces' THEN soft_bounces
               WHEN 'blocked' THEN blocked
               WHEN 'complaint' THEN blocked_complaint
               WHEN 'hardbounce' THEN blocked_hardbounce
               WHEN 'manual' THEN blocked_manual
               WHEN 'softbounce' THEN blocked_softbounce
               WHEN 'unsubscribe' THEN blocked_unsubscribe END AS first,
           CASE WHEN $6::text = 'bounces' THEN hard_bounces END AS second
      FROM closed_hours
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($3::timestamptz AT TIME ZONE 'UTC')::date AND day <= ($4::timestamptz AT TIME ZONE 'UTC')::date
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
), open AS (
    SELECT account_id, sender_id,
           (date_part('epoch', hour) / 3600)::integer AS place,
-- include first_number
           CASE WHEN $6::text = 'bounces' THEN hard_bounces ELSE 0 END AS second
      FROM hourly_counts
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $3::timestamptz AND hour < $4::timestamptz
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
)
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key, array_agg(place) AS places,
       array_send(array_agg(coalesce(first, array_fill(0, ARRAY[24])))) AS first,
       CASE WHEN $6::text = 'bounces' THEN array_send(array_agg(coalesce(second, array_fill(0, ARRAY[24])))) END AS second
  FROM closed
 WHERE first IS NOT NULL OR second IS NOT NULL
 GROUP BY account_id, sender_id
UNION ALL
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END, array_agg(place), array_send(array_agg(first)),
       CASE WHEN $6::text = 'bounces' THEN array_send(array_agg(second)) END
  FROM open
 WHERE first + second > 0
 GROUP BY account_id, sender_id
