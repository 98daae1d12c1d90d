-- Leases that may have lost their owner.
--
-- $1 host text: this data directory
-- $2 incarnation uuid: this process
-- $3 grace_seconds double precision: how long after its end a lease of another host is left alone
-- -> id bigint: the lease
-- -> host text: whose journals tell what became of it
-- -> incarnation uuid: its owner
--
-- Locks: none. Index: none; there are few leases.
SELECT id, host, incarnation
FROM delivery_leases
WHERE incarnation <> $2::uuid
  AND (host = $1::text OR lease_until + make_interval(secs => $3::float8) < clock_timestamp())
ORDER BY id
LIMIT 1000
