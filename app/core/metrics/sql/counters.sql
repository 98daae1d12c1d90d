-- What the counters know of days and hours: closed ones eight days at a time, whether all of them are meant or not, others
-- by hour. One statement, for an hour goes from the latter to the former when it is closed. Numbers come as four octets
-- each, highest first, and keys as eight: the driver would make an object of each. An account has the numbers of each of
-- its senders, which the caller adds up faster; and it puts closed hours of a span together, a megabyte for a master.
-- Locks: none. Indexes: pk_packed_counts (index-only for days), ix_hourly_counts_hour.
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 by_account boolean: whether a key is an account; else a sender
-- $4 measures text[]: which
-- $5 by_day boolean: whether closed days are wanted, and hours of some days of the first and last span; else all hours
-- $6 first_span integer: the first eight days, counted from 1970, that are wanted
-- $7 last_span integer: the last ones
-- $8 days integer[]: those days, counted from 1970
-- $9 start timestamp with time zone: start of the first hour that is not closed
-- $10 until timestamp with time zone: start of the hour after the last one
-- -> measure text: which
-- -> hour integer: in which numbers begin, counted from 1970
-- -> keys bytea: accounts or senders
-- -> days bytea: the eight days of the first one, those of the second, and so on; or null
-- -> hours bytea: the same of the 24 hours of such a day, or of all 192, then of one sender; or null
-- -> open bytea: of an hour that is not closed the number of each; or null
WITH open AS (
    SELECT measured.measure, (date_part('epoch', hour) / 3600)::integer AS hour,
           CASE WHEN $3::boolean THEN account_id ELSE sender_id END AS key, measured.number
      FROM hourly_counts
     CROSS JOIN LATERAL (VALUES
               ('accepted', accepted), ('hard_bounces', hard_bounces), ('soft_bounces', soft_bounces),
               ('blocked', blocked_complaint + blocked_hardbounce + blocked_manual + blocked_softbounce
                           + blocked_unsubscribe),
               ('blocked_complaint', blocked_complaint), ('blocked_hardbounce', blocked_hardbounce),
               ('blocked_manual', blocked_manual), ('blocked_softbounce', blocked_softbounce),
               ('blocked_unsubscribe', blocked_unsubscribe)
           ) AS measured (measure, number)
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $9::timestamptz AND hour < $10::timestamptz
       AND measured.measure = ANY ($4::text[]) AND measured.number > 0
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
)
SELECT measure, span * 8 * 24 AS hour,
       string_agg(int8send(CASE WHEN $3::boolean THEN account_id ELSE sender_id END), '') AS keys,
       string_agg(days, '') AS days, NULL::bytea AS hours, NULL::bytea AS open
  FROM packed_counts
 WHERE $5::boolean AND measure = ANY ($4::text[]) AND span >= $6::integer AND span <= $7::integer
   AND account_id = ANY ($1::bigint[])
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
 GROUP BY measure, span
UNION ALL
SELECT measure, part.day * 24, keys, NULL, hours, NULL
  FROM unnest($8::integer[]) AS part (day)
 CROSS JOIN LATERAL (
         SELECT measure, string_agg(int8send(CASE WHEN $3::boolean THEN account_id ELSE sender_id END), '') AS keys,
                string_agg(substring(hours FROM part.day % 8 * 96 + 1 FOR 96), '') AS hours
           FROM packed_counts
          WHERE $5::boolean AND measure = ANY ($4::text[]) AND span = part.day / 8 AND account_id = ANY ($1::bigint[])
            AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
          GROUP BY measure  -- which is the order they come in: nothing is sorted
       ) AS found
UNION ALL
SELECT measure, span * 8 * 24, int8send(CASE WHEN $3::boolean THEN account_id ELSE sender_id END), NULL, hours, NULL
  FROM packed_counts
 WHERE NOT $5::boolean AND measure = ANY ($4::text[]) AND span >= $6::integer AND span <= $7::integer
   AND account_id = ANY ($1::bigint[])
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
UNION ALL
SELECT measure, hour, string_agg(int8send(key), ''), NULL, NULL, string_agg(int4send(number), '')
  FROM open
 GROUP BY measure, hour
