-- Takes away what tells of a person in the records of what contacts did with their mail, once the contacts are deleted:
-- addresses and programs of visitors. Numbers and times stay (docs/contract/dynosend.md, 7.9).
-- Locks: engagements, then link_clicks of their copies, each by key; then opens, clicks and unsubscriptions.
-- Index: ix_messages_recipient, primary keys.
--
-- $1 account_ids bigint[]: whose
-- $2 contact_ids bigint[]: who is deleted
-- $3 addresses text[]: theirs, in lower case
  WITH copies AS MATERIALIZED (
       SELECT m.id, m.accepted_at
         FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS gone (account_id, contact_id, address)
         JOIN messages AS m
           ON hashtextextended(lower(m.recipient), 0) = hashtextextended(gone.address, 0)
          AND lower(m.recipient) = gone.address
          AND m.account_id = gone.account_id
          AND m.contact_id = gone.contact_id
     ), held_engagements AS MATERIALIZED (
       SELECT message_id, accepted_at
         FROM engagements
        WHERE (message_id, accepted_at) IN (SELECT id, accepted_at FROM copies) AND open_ip <> ''
        ORDER BY message_id, accepted_at
          FOR NO KEY UPDATE
     ), held_links AS MATERIALIZED (
       SELECT message_id, accepted_at, link
         FROM link_clicks
        WHERE (message_id, accepted_at) IN (SELECT id, accepted_at FROM copies) AND ip <> ''
        ORDER BY message_id, accepted_at, link
          FOR NO KEY UPDATE
     ), engagements_done AS (
       UPDATE engagements AS e
          SET open_ip = ''
         FROM held_engagements AS held
        WHERE e.message_id = held.message_id AND e.accepted_at = held.accepted_at
     ), links_done AS (
       UPDATE link_clicks AS l
          SET ip = ''
         FROM held_links AS held
        WHERE l.message_id = held.message_id AND l.accepted_at = held.accepted_at AND l.link = held.link
     ), opens_done AS (
       UPDATE opens AS o
          SET ip = '', user_agent = ''
         FROM copies
        WHERE o.message_id = copies.id AND o.accepted_at = copies.accepted_at
     ), clicks_done AS (
       UPDATE clicks AS c
          SET ip = '', user_agent = ''
         FROM copies
        WHERE c.message_id = copies.id AND c.accepted_at = copies.accepted_at
     )
UPDATE unsubscriptions AS u
   SET ip = '', user_agent = ''
  FROM copies
 WHERE u.message_id = copies.id AND u.accepted_at = copies.accepted_at
