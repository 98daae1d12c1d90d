-- Marks events as routed.
-- Locks: the rows, which the caller holds. Index: pk_domain_events.
--
-- $1 ids bigint[]: the events
-- $2 occurred_ats timestamptz[]: their times, in the same order
UPDATE domain_events
   SET routed = true
  FROM unnest($1::bigint[], $2::timestamptz[]) AS given (id, occurred_at)
 WHERE domain_events.id = given.id
   AND domain_events.occurred_at = given.occurred_at
