-- What the counters know: of closed days 32 at a time, whether all of them are meant or not, and hours beside them; or of
-- closed hours those of eight days; of parts of closed hours; and of hours that are not closed. One statement, for an hour
-- goes from one to the other when it is closed. Numbers come as four octets each, highest first, and keys as eight: the
-- driver would make an object of each. An account has the numbers of each of its senders, which the caller adds up
-- faster; and it puts closed hours of a span together, a megabyte for a master.
-- Locks: none. Indexes: pk_packed_days (index-only), pk_packed_hours, pk_packed_counts, pk_closed_seconds,
-- ix_hourly_counts_hour.
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 by_account boolean: whether a key is an account; else a sender
-- $4 measures text[]: which
-- $5 by_day boolean: whether closed days are wanted, and some hours of the days beside them; else all hours
-- $6 first_span integer: the first 32 days, or eight days, counted from 1970, that are wanted
-- $7 last_span integer: the last ones
-- $8 hours integer[]: the first ones of those hours, counted from 1970, for each day
-- $9 many integer[]: how many they are
-- $10 start timestamp with time zone: start of the first hour that is not closed
-- $11 until timestamp with time zone: start of the hour after the last one
-- $12 parts timestamp with time zone[]: the hours of which parts are wanted
-- $13 before integer[]: for each the second before that part, from -1
-- $14 last integer[]: for each the last second of it
-- $15 places integer[]: where in a row of packed hours each measure begins, from 1; three at most
-- -> measure text: which; null where accounts are told of whose hour something is not closed: none of its part is told
-- -> hour integer: in which numbers begin, counted from 1970
-- -> keys bytea: accounts or senders
-- -> days bytea: the 32 days of the first one, those of the second, and so on; or null
-- -> hours bytea: the same of those hours of a day, or of all 192, then of one sender; or null
-- -> numbers bytea: of an hour that is not closed, or of a part of one that is, the number of each; below zero where what
-- came late was taken away from a closed one; or null
WITH late AS (
    SELECT hour, account_id
      FROM hourly_counts
     WHERE hour = ANY ($12::timestamptz[]) AND account_id = ANY ($1::bigint[])
     GROUP BY hour, account_id
), open AS (
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
     WHERE account_id = ANY ($1::bigint[]) AND hour >= $10::timestamptz AND hour < $11::timestamptz
       AND measured.measure = ANY ($4::text[]) AND measured.number <> 0
       AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
)
SELECT measure, span * 32 * 24 AS hour,
       string_agg(int8send(CASE WHEN $3::boolean THEN account_id ELSE sender_id END), '') AS keys,
       string_agg(days, '') AS days, NULL::bytea AS hours, NULL::bytea AS numbers
  FROM packed_days
 WHERE $5::boolean AND measure = ANY ($4::text[]) AND span >= $6::integer AND span <= $7::integer
   AND account_id = ANY ($1::bigint[])
   AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
 GROUP BY measure, span
UNION ALL
SELECT told.measure, part.hour, keys, NULL, told.hours, NULL
  FROM unnest($8::integer[], $9::integer[]) AS part (hour, many)
 CROSS JOIN LATERAL (
         SELECT string_agg(int8send(CASE WHEN $3::boolean THEN account_id ELSE sender_id END), '') AS keys,
                string_agg(substring(hours FROM ($15::integer[])[1] + part.hour % 24 * 4 FOR part.many * 4), '') AS first,
                string_agg(substring(hours FROM ($15::integer[])[2] + part.hour % 24 * 4 FOR part.many * 4), '') AS second,
                string_agg(substring(hours FROM ($15::integer[])[3] + part.hour % 24 * 4 FOR part.many * 4), '') AS third
           FROM packed_hours
          WHERE $5::boolean AND day = DATE '1970-01-01' + part.hour / 24 AND account_id = ANY ($1::bigint[])
            AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
       ) AS found
 CROSS JOIN LATERAL (VALUES (($4::text[])[1], first), (($4::text[])[2], second), (($4::text[])[3], third)
       ) AS told (measure, hours)
 WHERE told.hours IS NOT NULL
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
UNION ALL
SELECT measure, (date_part('epoch', part.hour) / 3600)::integer, keys, NULL, NULL, numbers
  FROM unnest($12::timestamptz[], $13::integer[]::smallint[], $14::integer[]::smallint[]) AS part (hour, before, last)
 CROSS JOIN LATERAL (
         SELECT measure, string_agg(int8send(CASE WHEN $3::boolean THEN account_id ELSE sender_id END), '') AS keys,
                -- how many are not after a moment
                string_agg(int4send(width_bucket(last, seconds) - width_bucket(before, seconds)), '') AS numbers
           FROM closed_seconds
          WHERE measure = ANY ($4::text[]) AND hour = part.hour AND account_id = ANY ($1::bigint[])
            AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
            AND account_id <> ALL (ARRAY (SELECT late.account_id FROM late WHERE late.hour = part.hour))
          GROUP BY measure
       ) AS found
UNION ALL
SELECT NULL, (date_part('epoch', hour) / 3600)::integer, string_agg(int8send(account_id), ''), NULL, NULL, NULL
  FROM late
 GROUP BY hour
