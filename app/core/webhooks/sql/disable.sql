-- Disable webhooks.
--
-- $1 ids bigint[]: of webhooks of one account, whose row is held
--
-- Locks: the webhooks' rows. Index: pk_webhooks.
UPDATE webhooks SET status = 'disabled', updated_at = now() WHERE id = ANY ($1::bigint[]) AND status = 'active'
