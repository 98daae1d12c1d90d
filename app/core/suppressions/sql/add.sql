-- Puts addresses on an account's list. An address has at most one entry: the first reason and time stay, except that
-- any other reason replaces `unsubscribe` (docs/contract/dyn-email.md, 16).
-- Locks: the rows it writes, in order of address. Index: uq_suppressions_account_id_address.
--
-- $1 account_id bigint: whose list
-- $2 addresses text[]: trimmed, lower case
-- $3 reason text: of app.models.suppression.Reason
-- $4 detail text: what to show beside the reason
-- $5 source_message_id bigint: the copy that caused it, or null
-- -> address text: one row per entry that was made or replaced
INSERT INTO suppressions (account_id, address, reason, detail, source_message_id)
SELECT $1::bigint, address, $3::text, $4::text, $5::bigint
  FROM (SELECT DISTINCT unnest($2::text[]) AS address) AS given
 ORDER BY address
    ON CONFLICT (account_id, address) DO UPDATE
   SET reason = excluded.reason, detail = excluded.detail, source_message_id = excluded.source_message_id, created_at = now()
 WHERE suppressions.reason = 'unsubscribe' AND excluded.reason <> 'unsubscribe'
RETURNING address
