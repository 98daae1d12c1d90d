-- Ends runs of contacts that are not mailed any more, or are not there any more. Who was unsubscribed by a step of the
-- run itself stays in it until its next mail.
-- Locks: the runs, by id. Index: ix_automation_runs_contact, pk_automations.
--
-- $1 to $3 are parallel, one element per event.
-- $1 contact_ids bigint[]: whom it is about
-- $2 occurred_ats timestamp with time zone[]: when it happened; who entered later stays
-- $3 reasons text[]: unsubscribed or deleted
-- $4 now timestamp with time zone: null: now
-- -> ended bigint: how many
WITH held AS (
    SELECT run.id, given.reason
    FROM automation_runs AS run
    JOIN automations ON automations.id = run.automation_id
    JOIN (
        SELECT contact_id, max(occurred_at) AS occurred_at, min(reason) AS reason
        FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS given (contact_id, occurred_at, reason)
        GROUP BY contact_id
    ) AS given ON given.contact_id = run.contact_id
    WHERE run.ended_at IS NULL
      AND (given.reason = 'deleted' OR run.entered_at < given.occurred_at AND NOT run.has_left
           AND automations.trigger_type <> 'unsubscribed')
    ORDER BY run.id
    FOR UPDATE OF run
), ended AS (
    UPDATE automation_runs AS run
    SET status = 'stopped', reason = held.reason, ended_at = coalesce($4::timestamptz, now()), due_at = NULL,
        error = '', failing_since = NULL
    FROM held
    WHERE run.id = held.id
    RETURNING run.automation_id
), tallied AS (
    INSERT INTO automation_tallies (automation_id, stopped)
    SELECT automation_id, count(*) FROM ended GROUP BY automation_id
)
SELECT count(*) AS ended FROM ended
