-- Runs without a copy for an address: those it is a target of, and with a campaign all of its latest.
--
-- $1 address text: in lower case
-- $2 account_id bigint: only of this account; null = of all
-- $3 campaign_id bigint: of this campaign, targeted or not; null = runs it is a target of
-- $4 limit integer: most runs
-- -> run_id bigint: the run
-- -> account_id bigint: owner
-- -> campaign_id bigint: its campaign
-- -> campaign_name text: its name
-- -> audience_ids bigint[]: of the campaign
-- -> state text: of the run
-- -> error text: why the platform paused it
-- -> total bigint: targets, null before they are fixed
-- -> next_seq bigint: the first target nobody has claimed
-- -> unreached bigint: targets a stop left over
-- -> start_at timestamp with time zone: when it is to start
-- -> started_at timestamp with time zone: when sending began
-- -> finished_at timestamp with time zone: its end
-- -> seq bigint: number of the address among the targets, null when it is none or they are gone
--
-- Locks: none. Index: uq_run_targets_run_id_contact_id, uq_contacts_account_id_address_audience_id, ix_runs_campaign_id, ix_messages_recipient.
WITH reached AS MATERIALIZED (
    SELECT run_id
    FROM messages
    WHERE hashtextextended(lower(recipient), 0) = hashtextextended($1::text, 0) AND lower(recipient) = $1::text
), candidate AS (
    SELECT runs.*, target.seq
    FROM runs
    LEFT JOIN LATERAL (
        SELECT run_targets.seq
        FROM contacts
        JOIN run_targets ON run_targets.run_id = runs.id AND run_targets.contact_id = contacts.id
        WHERE contacts.account_id = runs.account_id AND contacts.address = $1::text
        ORDER BY run_targets.seq
        LIMIT 1  -- a probe per run and audience: never a walk through all targets
    ) AS target ON NOT runs.settled
    WHERE ($2::bigint IS NULL OR runs.account_id = $2::bigint)
      AND CASE WHEN $3::bigint IS NULL THEN NOT runs.settled ELSE runs.campaign_id = $3::bigint END
)
SELECT candidate.id AS run_id, candidate.account_id, candidate.campaign_id, campaigns.name AS campaign_name,
    campaigns.audience_ids, candidate.state, candidate.error, candidate.total, candidate.next_seq,
    candidate.unreached, candidate.start_at, candidate.started_at, candidate.finished_at, candidate.seq
FROM candidate
JOIN campaigns ON campaigns.id = candidate.campaign_id
WHERE ($3::bigint IS NOT NULL OR candidate.seq >= candidate.next_seq)
  AND NOT EXISTS (SELECT FROM reached WHERE reached.run_id = candidate.id)
ORDER BY candidate.id DESC
LIMIT $4::int
