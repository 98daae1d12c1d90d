-- Count the accepted copies of each minute of those hours that were busy, in place of what was counted before.
--
-- $1 account_ids bigint[]: whose hour
-- $2 hours timestamp with time zone[]: as many starts of hours
-- $3 busy integer: copies of an account in an hour, at least
-- -> counted bigint: how many rows
--
-- Locks: the rows it writes; one caller at a time. Index: pk_closed_hours, ix_messages_account (index-only).
WITH busy AS (
    SELECT account_id, given.hour
    FROM unnest($1::bigint[], $2::timestamptz[]) AS given (account_id, hour)
    JOIN closed_hours USING (account_id)
    WHERE closed_hours.day = (given.hour AT TIME ZONE 'UTC')::date
    GROUP BY account_id, given.hour
    HAVING sum(accepted[extract(hour FROM given.hour AT TIME ZONE 'UTC')::int + 1]) >= $3::int
), minutes AS (
    SELECT busy.account_id, busy.hour, copy.sender_id, copy.minute, count(*)::int AS copies
    FROM busy
    CROSS JOIN LATERAL (
        SELECT sender_id, extract(minute FROM accepted_at) + 1 AS minute
        FROM messages
        WHERE account_id = busy.account_id
          AND accepted_at >= busy.hour AND accepted_at < busy.hour + interval '1 hour'
    ) AS copy
    GROUP BY 1, 2, 3, 4
), put AS (
    INSERT INTO closed_minutes (account_id, hour, sender_id, accepted)
    SELECT account_id, hour, sender_id, array_agg(coalesce(copies, 0) ORDER BY minute)
    FROM (SELECT DISTINCT account_id, hour, sender_id FROM minutes) AS senders
    CROSS JOIN generate_series(1, 60) AS minute
    LEFT JOIN minutes USING (account_id, hour, sender_id, minute)
    GROUP BY account_id, hour, sender_id
    ON CONFLICT (account_id, hour, sender_id) DO UPDATE SET accepted = excluded.accepted
    RETURNING 1
)
SELECT count(*) AS counted FROM put
