-- The automations of claimed runs as they are now: those that were paused or deleted meanwhile, or are just being
-- changed, are left out. While it is held nobody changes one.
-- Locks: the automations it returns, shared, until the end of the transaction; it waits for nobody, because whoever
-- holds one may be waiting for a run. Index: pk_automations.
--
-- $1 ids bigint[]: which
-- -> id bigint: one row per automation
-- -> account_id bigint: whose
-- -> audience_id bigint: whose contacts
-- -> name text: what it is called
-- -> trigger_type text: what lets contacts enter
-- -> steps jsonb: its steps
-- -> version integer: their version
-- -> moves jsonb: by version, where runs stand now
SELECT id, account_id, audience_id, name, trigger_type, steps, version, moves
FROM automations
WHERE id = ANY ($1::bigint[]) AND status = 'active' AND deleted_at IS NULL
FOR SHARE SKIP LOCKED
