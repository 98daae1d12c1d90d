-- The names of campaigns.
-- Locks: none. Index: pk_campaigns.
--
-- $1 campaign_ids bigint[]: which
-- -> id bigint: of the campaign
-- -> name text: its name
SELECT id, name FROM campaigns WHERE id = ANY ($1::bigint[])
