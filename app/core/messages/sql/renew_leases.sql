-- Keep what a process has claimed.
--
-- $1 incarnation uuid: the process
-- $2 lease_seconds double precision: how long from now
-- -> id bigint: one of its leases
-- -> age_seconds double precision: since it was claimed
--
-- Locks: the rows of its leases. Index: ix_delivery_leases_incarnation.
UPDATE delivery_leases
SET lease_until = clock_timestamp() + make_interval(secs => $2::float8)
WHERE incarnation = $1::uuid
RETURNING id, extract(epoch FROM clock_timestamp() - claimed_at)::float8 AS age_seconds
