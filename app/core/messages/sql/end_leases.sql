-- Forget leases whose every copy has been recorded or given back.
--
-- $1 ids bigint[]: of leases
--
-- Locks: their rows. Index: pk_delivery_leases.
DELETE FROM delivery_leases WHERE id = ANY ($1::bigint[])
