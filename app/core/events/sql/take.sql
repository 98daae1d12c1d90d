-- The oldest events nobody has routed, except those that another router holds.
-- Locks: the rows it returns, until the end of the transaction; it waits for nobody. Index: ix_domain_events_unrouted
-- of every month, which are merged by id; those of past months are empty.
--
-- $1 most bigint: rows
-- -> id bigint: one row per event, by id
-- -> occurred_at timestamptz: its month is its partition
-- -> account_id bigint: whose
-- -> type text: of app.models.domain_event.EventType
-- -> message_id bigint: the copy, or null
-- -> accepted_at timestamptz: partition of the copy, or null
-- -> contact_id bigint: the contact, or null
-- -> audience_id bigint: the contact's audience, or null
-- -> address text: whom it is about, or null
-- -> data jsonb: what else is to be told, or null
SELECT id, occurred_at, account_id, type, message_id, accepted_at, contact_id, audience_id, address, data
  FROM domain_events
 WHERE NOT routed
 ORDER BY id
 LIMIT $1::bigint
   FOR UPDATE SKIP LOCKED
