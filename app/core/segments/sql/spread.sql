-- How many members of an audience meet a filter, and where the first of them are, so that some can be shown without
-- looking for them again: how many there are in all, and spans of 4096 ids, by id.
-- The filter stands where `true` does behind its name; its parameters are $4 and those that follow.
-- Locks: none. Index: ix_contacts_members, or that of the filter.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- $3 most bigint: spans to name
-- -> span bigint: ids from this times 4096
-- -> contacts numeric: how many in all spans, named or not
SELECT spans.span, sum(spans.contacts) OVER () AS contacts
  FROM (SELECT c.id >> 12 AS span, count(*) AS contacts
          FROM contacts AS c
         WHERE c.account_id = $1::bigint
           AND c.audience_id = $2::bigint
           AND c.removed_at IS NULL
           AND /*filter*/ true
         GROUP BY 1) AS spans
 ORDER BY spans.span
 LIMIT $3::bigint
