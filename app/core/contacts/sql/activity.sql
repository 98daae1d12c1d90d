-- What happened to a contact and what it did, the latest first: changes of it, its mails and what became of them, opens,
-- clicks, events. Of its mails the latest 1000.
-- Locks: none. Index: ix_domain_events_contact, ix_contact_events_contact, ix_messages_recipient, pk_opens, pk_clicks.
--
-- $1 account_id bigint: whose
-- $2 contact_id bigint: the contact
-- $3 address text: its address
-- $4 before timestamp with time zone: where the page before ended, or null
-- $5 before_type text: type of its last row
-- $6 before_id bigint: id of its last row
-- $7 most bigint: rows
-- -> occurred_at timestamp with time zone: when
-- -> type text: docs/contract/native.md, 12
-- -> id bigint: of the event, or of the copy
-- -> message_id bigint: the copy it is about, or null
-- -> accepted_at timestamp with time zone: its partition
-- -> run_id bigint: the run that made the copy, or null
-- -> data jsonb: what else is known, or null
  WITH copies AS MATERIALIZED (
       SELECT id, accepted_at, accepted_ms, delivered_at, bounced_at, run_id, kind, state, blocked_reason
         FROM messages
        WHERE hashtextextended(lower(recipient), 0) = hashtextextended($3::text, 0)
          AND account_id = $1::bigint AND contact_id = $2::bigint
        ORDER BY accepted_at DESC, id DESC
        LIMIT 1000
     ), happened AS (
       (SELECT occurred_at, type, id, NULL::bigint AS message_id, NULL::timestamptz AS accepted_at,
               NULL::bigint AS run_id, data
          FROM domain_events
         WHERE contact_id = $2::bigint AND account_id = $1::bigint
           AND type LIKE 'contact.%' AND type <> 'contact.event'
           AND ($4::timestamptz IS NULL OR occurred_at <= $4::timestamptz))
        UNION ALL
       (SELECT occurred_at, 'contact.event', id, NULL, NULL, NULL,
               jsonb_build_object('name', name, 'properties', properties)
          FROM contact_events
         WHERE contact_id = $2::bigint AND account_id = $1::bigint)
        UNION ALL
       (SELECT fact.at, fact.type, copies.id, copies.id, copies.accepted_at, copies.run_id, fact.data
          FROM copies
         CROSS JOIN LATERAL (VALUES
               (accepted_at + make_interval(secs => accepted_ms / 1000.0), 'email.accepted',
                jsonb_build_object('kind', kind)),
               (delivered_at, 'email.delivered', NULL),
               (bounced_at, 'email.bounced', NULL),
               (CASE WHEN blocked_reason IS NOT NULL THEN accepted_at + make_interval(secs => accepted_ms / 1000.0) END,
                'email.blocked', jsonb_build_object('reason', blocked_reason))) AS fact (at, type, data)
         WHERE fact.at IS NOT NULL)
        UNION ALL
       (SELECT opens.occurred_at, 'email.opened', opens.id, copies.id, copies.accepted_at, copies.run_id,
               jsonb_build_object('ip', opens.ip, 'user_agent', opens.user_agent)
          FROM copies
          JOIN opens ON opens.message_id = copies.id AND opens.accepted_at = copies.accepted_at)
        UNION ALL
       (SELECT clicks.occurred_at, 'email.clicked', clicks.id, copies.id, copies.accepted_at, copies.run_id,
               jsonb_build_object('url', clicks.url, 'ip', clicks.ip, 'user_agent', clicks.user_agent)
          FROM copies
          JOIN clicks ON clicks.message_id = copies.id AND clicks.accepted_at = copies.accepted_at)
     )
SELECT occurred_at, type, id, message_id, accepted_at, run_id, data
  FROM happened
 WHERE $4::timestamptz IS NULL OR (occurred_at, type, id) < ($4::timestamptz, $5::text, $6::bigint)
 ORDER BY occurred_at DESC, type DESC, id DESC
 LIMIT $7::bigint
