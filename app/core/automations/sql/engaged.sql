-- Which copies were opened, and which clicked.
--
-- Both arrays are parallel, one element per copy.
-- $1 ids bigint[]: copies
-- $2 accepted_ats timestamp with time zone[]: their partitions
-- -> id bigint: one row per copy that somebody did something with
-- -> opened boolean: whether it was opened
-- -> clicked boolean: whether one of its links was followed
--
-- Locks: none. Index: pk_engagements.
SELECT engagements.message_id AS id, engagements.opened_at IS NOT NULL AS opened,
    engagements.clicked_at IS NOT NULL AS clicked
FROM unnest($1::bigint[], $2::timestamptz[]) AS copy (id, accepted_at)
JOIN engagements ON engagements.message_id = copy.id AND engagements.accepted_at = copy.accepted_at
