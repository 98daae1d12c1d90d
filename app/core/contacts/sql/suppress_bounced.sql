-- Put recipients on the suppression lists of their accounts whose bounces were just recorded: of a hard bounce at once, of
-- a soft one when it is one of several with the same code (docs/contract/dyn-email.md, 16). The first reason and time of
-- an entry stay, except that these replace `unsubscribe`; the mark of the address is set whatever becomes of the entry.
-- The same rule stands in `suppressions/sql/enter.sql`, for entries of one list that somebody gives. It is not used here:
-- the bounces would travel to this process and back, a round trip more while a group's outcomes are being recorded.
--
-- $1 message_ids bigint[]: copies that have just bounced
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- $3 soft_bounces integer: so many of one recipient with one code
-- $4 soft_bounce_hours double precision: within so many hours
-- -> account_id bigint: whose list
-- -> address text: an address whose entry is held now
-- -> message_id bigint: the copy whose bounce did it
-- -> accepted_at timestamp with time zone: its partition
--
-- Locks: the entries, by address, those that stay as they are included; then the marks, by address. Index: pk_bounces,
-- ix_bounces_recipient, uq_suppressions_account_id_address, pk_recipient_marks.
WITH bounced AS MATERIALIZED (
    SELECT bounces.message_id, bounces.accepted_at, bounces.account_id, lower(bounces.recipient) AS address,
        bounces.bounced_at, bounces.bounce_type, bounces.code, bounces.diagnostic
    FROM unnest($1::bigint[], $2::timestamptz[]) AS given (message_id, accepted_at)
    JOIN bounces ON bounces.message_id = given.message_id AND bounces.accepted_at = given.accepted_at
), failing AS MATERIALIZED (
    SELECT DISTINCT ON (address, account_id) *, bounce_type || 'bounce' AS reason
    FROM bounced
    WHERE bounce_type = 'hard' OR $3::int <= (
        -- How many there were at most in a span of so many hours that holds this one. It may not be the last: what
        -- happened later may be committed sooner. Only months are looked at in which copies that bounce now can be.
        SELECT max(span.failures)
        FROM (
            SELECT earlier.bounced_at, count(*) OVER (
                ORDER BY earlier.bounced_at
                RANGE BETWEEN make_interval(secs => $4::float8 * 3600) PRECEDING AND CURRENT ROW
            ) AS failures
            FROM bounces AS earlier
            WHERE earlier.account_id = bounced.account_id
              AND hashtextextended(lower(earlier.recipient), 0) = hashtextextended(bounced.address, 0)
              AND lower(earlier.recipient) = bounced.address
              AND earlier.bounce_type = 'soft' AND earlier.code = bounced.code
              AND earlier.bounced_at >= bounced.bounced_at - make_interval(secs => $4::float8 * 3600)
              AND earlier.bounced_at <= bounced.bounced_at + make_interval(secs => $4::float8 * 3600)
              AND earlier.accepted_at > bounced.bounced_at - make_interval(days => 40, secs => $4::float8 * 3600)
              AND earlier.accepted_at <= bounced.bounced_at + make_interval(secs => $4::float8 * 3600)
        ) AS span
        WHERE span.bounced_at >= bounced.bounced_at
    )
    ORDER BY address, account_id, bounce_type, bounced_at DESC, message_id DESC
), entered AS (
    INSERT INTO suppressions AS entry (
        account_id, address, reason, detail, source_message_id, source_accepted_at
    )
    SELECT account_id, address, reason, diagnostic, message_id, accepted_at
    FROM failing
    ORDER BY address, account_id
    ON CONFLICT (account_id, address) DO UPDATE SET
        reason = excluded.reason, detail = excluded.detail, source_message_id = excluded.source_message_id,
        source_accepted_at = excluded.source_accepted_at, created_at = excluded.created_at
    WHERE entry.reason = 'unsubscribe'
    RETURNING account_id, address, reason, detail, source_message_id, source_accepted_at
), marked AS (
    INSERT INTO recipient_marks (account_id, address, reason)
    SELECT account_id, address, reason
    FROM failing
    CROSS JOIN (SELECT count(*) FROM entered) AS after_entries
    ORDER BY address, account_id
    ON CONFLICT (account_id, address) DO NOTHING
    RETURNING 1
), told AS (
    INSERT INTO domain_events (account_id, type, message_id, accepted_at, address, data)
    SELECT account_id, 'suppression.added', source_message_id, source_accepted_at, address,
        jsonb_build_object('reason', reason, 'detail', detail)
    FROM entered
    CROSS JOIN (SELECT count(*) FROM marked) AS after_marks
    ORDER BY address, account_id
)
SELECT account_id, address, message_id, accepted_at
FROM failing
CROSS JOIN (SELECT count(*) FROM marked) AS after_marks
