-- Puts addresses on an account's list. An address has at most one entry: the first reason and time stay, except that
-- any other reason replaces `unsubscribe` with its own time (docs/contract/dyn-email.md, 16). A bounce or a complaint
-- also marks the address, whatever becomes of the entry. `contacts/sql/suppress_bounced.sql` has the same rule for groups
-- of recorded bounces of any account, and says why.
-- Locks: the entries of all the addresses, in order of address, those that stay as they are included; then the marks,
-- in order of address. Index: uq_suppressions_account_id_address, pk_recipient_marks.
--
-- $1 account_id bigint: whose list
-- $2 addresses text[]: trimmed, lower case, each once
-- $3 reasons text[]: of app.models.suppression.Reason
-- $4 details text[]: what to show beside the reason
-- $5 since timestamptz[]: times of the entries; null = now
-- $6 source_message_id bigint: the copy that caused it, or null
-- $7 source_accepted_at timestamptz: partition of the copy, or null
-- $8 tells boolean: whether an event is written for each entry that was made or replaced
-- -> address text: one row per entry that was made or replaced
  WITH given AS (
       SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS row (address, reason, detail, since)
     ), entered AS (
       INSERT INTO suppressions AS entry (account_id, address, reason, detail, source_message_id, source_accepted_at, created_at)
       SELECT $1::bigint, address, reason, detail, $6::bigint, $7::timestamptz, COALESCE(since, now())
         FROM given
        ORDER BY address
           ON CONFLICT (account_id, address) DO UPDATE
          SET reason = excluded.reason, detail = excluded.detail, source_message_id = excluded.source_message_id,
              source_accepted_at = excluded.source_accepted_at, created_at = excluded.created_at
        WHERE entry.reason = 'unsubscribe' AND excluded.reason <> 'unsubscribe'
       RETURNING address, reason, detail
     ), marked AS (
       INSERT INTO recipient_marks (account_id, address, reason)
       SELECT $1::bigint, address, reason
         FROM given
        CROSS JOIN (SELECT count(*) FROM entered) AS after_entries
        WHERE reason IN ('hardbounce', 'softbounce', 'complaint')
        ORDER BY address
           ON CONFLICT (account_id, address) DO NOTHING
     ), told AS (
       INSERT INTO domain_events (account_id, type, message_id, accepted_at, address, data)
       SELECT $1::bigint, 'suppression.added', $6::bigint, $7::timestamptz, address,
              jsonb_build_object('reason', reason, 'detail', detail)
         FROM entered
        WHERE $8::boolean
        ORDER BY address
     )
SELECT address FROM entered
