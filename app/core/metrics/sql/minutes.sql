-- Accepted copies of whole minutes of busy hours that are closed, told by their counters, per sender. An hour of an
-- account of which something came later, and is not yet added to its counters, is left out.
-- Locks: none. Index: pk_closed_minutes, ix_hourly_counts_hour.
--
-- $1 account_ids bigint[]: whose
-- $2 hours timestamp with time zone[]: the hours
-- $3 from_minutes integer[]: for each its first minute, from 1
-- $4 to_minutes integer[]: for each its last minute; before the first one: none
-- -> hour timestamp with time zone: which
-- -> account_id bigint: who was busy then
-- -> sender_id bigint: sender
-- -> copies bigint: how many
SELECT hour, account_id, sender_id,
       (SELECT coalesce(sum(number), 0) FROM unnest(accepted[from_minute:to_minute]) AS number) AS copies
  FROM closed_minutes
  JOIN unnest($2::timestamptz[], $3::integer[], $4::integer[]) AS part (hour, from_minute, to_minute) USING (hour)
 WHERE account_id = ANY ($1::bigint[])
   AND NOT EXISTS (SELECT FROM hourly_counts AS late
                    WHERE late.account_id = closed_minutes.account_id AND late.hour = closed_minutes.hour)
