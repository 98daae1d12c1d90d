-- Let companions follow copies whose acceptance or X-headers were written anew.
--
-- The arrays are parallel, in order of id.
-- $1 ids bigint[]: copies
-- $2 held_ats timestamp with time zone[]: the partition in which the companions are
-- $3 accepted_ats timestamp with time zone[]: the partition of the copy
-- $4 x_headers jsonb[]: what is remembered with it
--
-- Locks: the companions' rows; the copies are held. Index: pk_bounces, pk_complaints, pk_unsubscriptions, pk_attempts,
-- pk_opens, pk_clicks, pk_engagements, pk_link_clicks, ix_foreign_email_ids_message_id.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::jsonb[])
        AS given (id, held_at, accepted_at, x_headers)
), names AS (
    UPDATE foreign_email_ids AS known SET accepted_at = given.accepted_at
    FROM given WHERE known.message_id = given.id
), reports AS (
    UPDATE bounces AS row SET accepted_at = given.accepted_at, x_headers = given.x_headers
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
), grievances AS (
    UPDATE complaints AS row SET accepted_at = given.accepted_at, x_headers = given.x_headers
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
), leavings AS (
    UPDATE unsubscriptions AS row SET accepted_at = given.accepted_at, x_headers = given.x_headers
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
), tries AS (
    UPDATE attempts AS row SET accepted_at = given.accepted_at
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
), looks AS (
    UPDATE opens AS row SET accepted_at = given.accepted_at
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
), visits AS (
    UPDATE clicks AS row SET accepted_at = given.accepted_at
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
), sums AS (
    UPDATE engagements AS row SET accepted_at = given.accepted_at
    FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
)
UPDATE link_clicks AS row SET accepted_at = given.accepted_at
FROM given WHERE row.message_id = given.id AND row.accepted_at = given.held_at
