-- The runs of a campaign that have begun.
-- Locks: none. Index: ix_runs_campaign_id.
--
-- $1 account_ids bigint[]: of these accounts
-- $2 campaign_id bigint: which
-- -> id bigint: of the run
SELECT id FROM runs WHERE campaign_id = $2::bigint AND account_id = ANY ($1::bigint[]) AND started_at IS NOT NULL
