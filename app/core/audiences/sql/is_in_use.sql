-- Whether a run that is to send, or sends, or may go on, is for an audience.
-- Locks: none. Index: ix_campaigns_account_id, ix_runs_campaign_id.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- -> in_use boolean: one row
SELECT EXISTS (
         SELECT FROM campaigns
           JOIN runs ON runs.campaign_id = campaigns.id
          WHERE campaigns.account_id = $1::bigint
            AND $2::bigint = ANY (campaigns.audience_ids)
            AND runs.state IN ('scheduled', 'queued', 'sending', 'paused')
       ) AS in_use
