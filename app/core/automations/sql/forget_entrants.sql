-- Forgets in which automations contacts have been that were deleted: their ids never come back.
-- Locks: the rows it deletes. Index: ix_automations_account, pk_automation_entrants.
--
-- The arrays are parallel, one element per event.
-- $1 account_ids bigint[]: whose contacts
-- $2 audience_ids bigint[]: in which audiences they were
-- $3 contact_ids bigint[]: contacts that were deleted
DELETE FROM automation_entrants AS entrant
USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS given (account_id, audience_id, contact_id)
JOIN automations ON automations.account_id = given.account_id AND automations.audience_id = given.audience_id
WHERE entrant.automation_id = automations.id AND entrant.contact_id = given.contact_id
