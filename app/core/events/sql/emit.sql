-- Writes one event to the outbox.
-- Locks: none.
--
-- $1 account_id bigint: whose
-- $2 type text: of app.models.domain_event.EventType
-- $3 message_id bigint: the copy, or null
-- $4 accepted_at timestamptz: partition of the copy, or null
-- $5 contact_id bigint: the contact, or null
-- $6 audience_id bigint: the contact's audience, or null
-- $7 address text: whom it is about, or null
-- $8 data text: as JSON, or null
INSERT INTO domain_events (account_id, type, message_id, accepted_at, contact_id, audience_id, address, data)
VALUES ($1::bigint, $2::text, $3::bigint, $4::timestamptz, $5::bigint, $6::bigint, $7::text, $8::text::jsonb)
