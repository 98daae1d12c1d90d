-- What the counters know of whole days, per sender and per day; of an account a day comes more than once, and its numbers
-- are to be added, which the caller does faster. So does it take numbers out of the binary form of an array.
-- Locks: none. Index: ix_daily_counts_day.
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 start timestamp with time zone: start of the first day, UTC
-- $4 until timestamp with time zone: start of the day after the last one
-- $5 by_account boolean: whether a key is an account; else a sender
-- $6 what text: accepted, bounces, blocked, or blocked for one of complaint, hardbounce, manual, softbounce, unsubscribe
-- -> key bigint: account or sender
-- -> places integer[]: days, counted from 1970
-- -> first bytea: integer[] as sent: as many numbers of copies; of bounces the soft ones
-- -> second bytea: of bounces the same of hard ones; else null
WITH measured AS (
    SELECT account_id, sender_id, day - DATE '1970-01-01' AS place,
-- include first_number
           CASE WHEN $6::text = 'bounces' THEN hard_bounces ELSE 0 END AS second
      FROM daily_counts
     WHERE account_id = ANY ($1::bigint[])
       AND day >= ($3::timestamptz AT TIME ZONE 'UTC')::date AND day < ($4::timestamptz AT TIME ZONE 'UTC')::date
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
)
SELECT CASE WHEN $5::boolean THEN account_id ELSE sender_id END AS key, array_agg(place) AS places,
       array_send(array_agg(first)) AS first,
       CASE WHEN $6::text = 'bounces' THEN array_send(array_agg(second)) END AS second
  FROM measured
 WHERE first + second > 0
 GROUP BY account_id, sender_id
