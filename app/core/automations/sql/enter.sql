-- Lets contacts enter the automations that their events set off: once, or again when that is allowed and they are
-- through. Who has changed meanwhile, so that he may not enter, does not. Whoever asks at the same time, a contact
-- enters once: the unique indexes hold it.
-- Locks: the new rows, by automation and contact; it waits for others that let the same contact in.
-- Index: ix_automations_active, pk_contacts, uq_automation_runs_automation_id_contact_id_turn, pk_automation_entrants.
--
-- $1 to $6 are parallel, one element per event and what it may set off.
-- $1 event_ids bigint[]: the domain events, in order
-- $2 occurred_ats timestamp with time zone[]: when they happened
-- $3 contact_ids bigint[]: whom they are about
-- $4 types text[]: of app.models.automation.TriggerType
-- $5 keys text[]: the tag, the name of the event, or empty
-- $6 contact_event_ids bigint[]: rows of contact_events, null of others
-- $7 most integer: how often a contact enters one automation in 24 hours
-- $8 now timestamp with time zone: null: now
-- -> entered bigint: how many entered
WITH given AS (
    SELECT *
    FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::bigint[])
        AS given (event_id, occurred_at, contact_id, type, key, contact_event_id)
), wanted AS (
    SELECT DISTINCT ON (automations.id, contacts.id) automations.id AS automation_id, automations.account_id,
        contacts.id AS contact_id, automations.version,
        CASE WHEN automations.reentry THEN given.event_id ELSE 0 END AS turn
    FROM given
    JOIN contacts ON contacts.id = given.contact_id AND contacts.removed_at IS NULL
    JOIN automations ON automations.audience_id = contacts.audience_id AND automations.trigger_type = given.type
        AND automations.trigger_key = given.key
        AND automations.status = 'active' AND automations.deleted_at IS NULL
    LEFT JOIN contact_events ON contact_events.id = given.contact_event_id
    WHERE contacts.status = CASE given.type WHEN 'unsubscribed' THEN 'unsubscribed' ELSE 'subscribed' END
      AND given.occurred_at >= automations.activated_at
      AND NOT EXISTS (
          SELECT FROM jsonb_each(automations.trigger_properties) AS asked
          WHERE (contact_events.properties -> asked.key) IS DISTINCT FROM asked.value
      )
      AND CASE WHEN automations.reentry
          THEN NOT EXISTS (
              SELECT FROM automation_runs AS run
              WHERE run.automation_id = automations.id AND run.contact_id = contacts.id AND run.ended_at IS NULL
          ) AND coalesce((
              SELECT run.entered_at FROM automation_runs AS run
              WHERE run.automation_id = automations.id AND run.contact_id = contacts.id
              ORDER BY run.turn DESC OFFSET $7::integer - 1 LIMIT 1
          ) <= coalesce($8::timestamptz, now()) - interval '24 hours', true)
          ELSE NOT EXISTS (
              SELECT FROM automation_runs AS run
              WHERE run.automation_id = automations.id AND run.contact_id = contacts.id
          ) AND NOT EXISTS (
              SELECT FROM automation_entrants AS entrant
              WHERE entrant.automation_id = automations.id AND entrant.contact_id = contacts.id
          ) END
    ORDER BY automations.id, contacts.id, given.event_id
), entered AS (
    INSERT INTO automation_runs (automation_id, account_id, contact_id, turn, version, due_at, entered_at)
    SELECT automation_id, account_id, contact_id, turn, version, coalesce($8::timestamptz, now()),
        coalesce($8::timestamptz, now())
    FROM wanted
    ORDER BY automation_id, contact_id
    ON CONFLICT DO NOTHING
    RETURNING automation_id
), tallied AS (
    INSERT INTO automation_tallies (automation_id, entered)
    SELECT automation_id, count(*) FROM entered GROUP BY automation_id
)
SELECT count(*) AS entered FROM entered
