-- The state of a run that is to send, or sends, or may go on, and is for an audience: the one furthest on.
-- Locks: none. Index: ix_campaigns_account_id, ix_runs_campaign_id.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- -> state text: of app.models.run.RunState: one row, or none
SELECT runs.state
  FROM campaigns
  JOIN runs ON runs.campaign_id = campaigns.id
 WHERE campaigns.account_id = $1::bigint
   AND $2::bigint = ANY (campaigns.audience_ids)
   AND runs.state IN ('scheduled', 'queued', 'sending', 'paused')
 ORDER BY array_position(ARRAY['sending', 'queued', 'paused', 'scheduled'], runs.state)
 LIMIT 1
