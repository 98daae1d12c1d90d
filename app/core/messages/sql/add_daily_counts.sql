-- Add to the counters by day.
--
-- All arrays are parallel, one element per account, sender and bucket, each at most once.
-- $1 account_ids bigint[]: account
-- $2 sender_ids bigint[]: sender
-- $3 buckets date[]: day, UTC
-- $4 accepted integer[]: to add
-- $5 delivered integer[]: to add
-- $6 deferred integer[]: to add
-- $7 hard_bounces integer[]: to add
-- $8 soft_bounces integer[]: to add
-- $9 blocked_complaint integer[]: to add
-- $10 blocked_hardbounce integer[]: to add
-- $11 blocked_manual integer[]: to add
-- $12 blocked_softbounce integer[]: to add
-- $13 blocked_unsubscribe integer[]: to add
--
-- Locks: the counters' rows, in key order; so this comes last in a transaction, hours before days.
INSERT INTO daily_counts AS count (
    account_id, sender_id, day,
    accepted, delivered, deferred, hard_bounces, soft_bounces,
    blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
)
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::date[],
    $4::int[], $5::int[], $6::int[], $7::int[], $8::int[],
    $9::int[], $10::int[], $11::int[], $12::int[], $13::int[]
) AS given (
    account_id, sender_id, day,
    accepted, delivered, deferred, hard_bounces, soft_bounces,
    blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
)
ORDER BY account_id, sender_id, day
ON CONFLICT (account_id, sender_id, day) DO UPDATE SET
    accepted = count.accepted + excluded.accepted,
    delivered = count.delivered + excluded.delivered,
    deferred = count.deferred + excluded.deferred,
    hard_bounces = count.hard_bounces + excluded.hard_bounces,
    soft_bounces = count.soft_bounces + excluded.soft_bounces,
    blocked_complaint = count.blocked_complaint + excluded.blocked_complaint,
    blocked_hardbounce = count.blocked_hardbounce + excluded.blocked_hardbounce,
    blocked_manual = count.blocked_manual + excluded.blocked_manual,
    blocked_softbounce = count.blocked_softbounce + excluded.blocked_softbounce,
    blocked_unsubscribe = count.blocked_unsubscribe + excluded.blocked_unsubscribe
