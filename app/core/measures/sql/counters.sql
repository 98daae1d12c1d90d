-- What the counters know of whole days and whole hours, per metric.
-- Locks: none. Indexes: ix_daily_counts_day, ix_hourly_counts_hour, pk_closed_hours. Wants a plan for its own values
-- (plan_each_time.sql).
--
-- $1 account_ids bigint[]: whose
-- $2 sender_ids bigint[]: only of these senders; null = of all
-- $3 days date[]: start and end of each piece of whole days (UTC), rising
-- $4 day_buckets integer[]: to which bucket each piece belongs
-- $5 hours timestamp with time zone[]: start and end of each piece of whole hours beside the days, rising
-- $6 hour_buckets integer[]: to which bucket each piece belongs
-- $7 parts_days date[]: the same pieces by day: the day
-- $8 parts_first integer[]: its first hour, counted from 1
-- $9 parts_last integer[]: its last hour
-- $10 parts_buckets integer[]: to which bucket it belongs
-- $11 metrics text[]: which
-- $12 by text: what a key is: none, account, sender
-- $13 keys text[]: only these keys; null = all
-- -> key text: null for the key none
-- -> bucket integer: which
-- -> metric text: which
-- -> value bigint: how many, at least 1
WITH numbers AS (
SELECT account_id, sender_id, mark, ($4::integer[])[(mark + 1) / 2] AS bucket, metric, number
  FROM (SELECT *, width_bucket(day, $3::date[]) AS mark
          FROM daily_counts
         WHERE account_id = ANY ($1::bigint[])
           AND day >= ($3::date[])[1] AND day < ($3::date[])[cardinality($3::date[])]) AS counts
 CROSS JOIN LATERAL (VALUES
         ('accepted', accepted), ('delivered', delivered), ('deferred', deferred), ('hard_bounces',
         hard_bounces), ('soft_bounces', soft_bounces), ('opens', opens), ('unique_opens',
         unique_opens), ('clicks', clicks), ('unique_clicks', unique_clicks), ('complaints',
         complaints), ('unsubscribes', unsubscribes), ('blocked', blocked_complaint +
         blocked_hardbounce + blocked_manual + blocked_softbounce + blocked_unsubscribe)
       ) AS metrics (metric, number)
 WHERE mark % 2 = 1
UNION ALL
SELECT account_id, sender_id, mark, ($6::integer[])[(mark + 1) / 2], metric, number
  FROM (SELECT *, width_bucket(hour, $5::timestamptz[]) AS mark
          FROM hourly_counts
         WHERE account_id = ANY ($1::bigint[])
           AND hour >= ($5::timestamptz[])[1] AND hour < ($5::timestamptz[])[cardinality($5::timestamptz[])]) AS counts
 CROSS JOIN LATERAL (VALUES
         ('accepted', accepted), ('delivered', delivered), ('deferred', deferred), ('hard_bounces',
         hard_bounces), ('soft_bounces', soft_bounces), ('opens', opens), ('unique_opens',
         unique_opens), ('clicks', clicks), ('unique_clicks', unique_clicks), ('complaints',
         complaints), ('unsubscribes', unsubscribes), ('blocked', blocked_complaint +
         blocked_hardbounce + blocked_manual + blocked_softbounce + blocked_unsubscribe)
       ) AS metrics (metric, number)
 WHERE mark % 2 = 1
UNION ALL
SELECT account_id, sender_id, 1, part.bucket, metric,
       (SELECT sum(number) FROM unnest(numbers[part.first:part.last]) AS number)
  FROM unnest($7::date[], $8::integer[], $9::integer[], $10::integer[]) AS part (day, first, last, bucket)
  JOIN closed_hours USING (day)
 CROSS JOIN LATERAL (VALUES
         ('accepted', accepted), ('delivered', delivered), ('deferred', deferred), ('hard_bounces',
         hard_bounces), ('soft_bounces', soft_bounces), ('opens', opens), ('unique_opens',
         unique_opens), ('clicks', clicks), ('unique_clicks', unique_clicks), ('complaints',
         complaints), ('unsubscribes', unsubscribes), ('blocked', blocked)
       ) AS metrics (metric, numbers)
 WHERE account_id = ANY ($1::bigint[])
   AND day >= ($7::date[])[1] AND day <= ($7::date[])[cardinality($7::date[])]
   AND numbers IS NOT NULL AND metric = ANY ($11::text[])
), keyed AS (
SELECT CASE $12::text WHEN 'account' THEN account_id::text WHEN 'sender' THEN sender_id::text END AS key,
       bucket, metric, number
  FROM numbers
 WHERE number > 0 AND metric = ANY ($11::text[]) AND ($2::bigint[] IS NULL OR sender_id = ANY ($2::bigint[]))
)
SELECT key, bucket, metric, sum(number)::bigint AS value
  FROM keyed
 WHERE $13::text[] IS NULL OR key = ANY ($13::text[])
 GROUP BY key, bucket, metric
