-- Wait for whoever is counting soft bounces of the same recipients: of two that record at the same time, the second sees
-- what the first has written.
--
-- $1 space integer: number of this kind of lock
-- $2 message_ids bigint[]: copies that have just bounced
-- $3 accepted_ats timestamp with time zone[]: their partitions
-- -> held boolean: true, a row for each lock
--
-- Locks: advisory ones until the end of the transaction, for the recipients that bounced softly, in order of their keys;
-- recipients share 256 keys, so that a large group does not fill the server's table of locks. Index: pk_bounces.
SELECT pg_advisory_xact_lock($1::int, keys.key) IS NOT NULL AS held
FROM (
    SELECT DISTINCT (hashtextextended(lower(bounces.recipient), bounces.account_id) & 255)::int AS key
    FROM unnest($2::bigint[], $3::timestamptz[]) AS given (message_id, accepted_at)
    JOIN bounces ON bounces.message_id = given.message_id AND bounces.accepted_at = given.accepted_at
    WHERE bounces.bounce_type = 'soft'
    ORDER BY key
    OFFSET 0
) AS keys
