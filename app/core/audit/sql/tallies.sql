-- Audiences whose tallies are not what counting their contacts gives, by status.
--
-- $1 account_id bigint: only of this account; null = of all
-- $2 limit integer: most rows
-- -> account_id bigint: of the audience
-- -> audience_id bigint: the audience
-- -> status text: of app.models.contact.ContactStatus
-- -> counted bigint: by the recount
-- -> stored bigint: the sum of the tallies
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: none; contacts and tallies are read as a whole.
SELECT audiences.account_id, audiences.id AS audience_id, both_counts.status,
    sum(both_counts.counted)::bigint AS counted, sum(both_counts.stored)::bigint AS stored, count(*) OVER () AS found
FROM (
    SELECT audience_id, status, count(*) AS counted, 0 AS stored
    FROM contacts
    WHERE removed_at IS NULL
    GROUP BY audience_id, status
    UNION ALL
    SELECT audience_id, status, 0, sum(delta) FROM audience_tallies GROUP BY audience_id, status
) AS both_counts
JOIN audiences ON audiences.id = both_counts.audience_id
WHERE $1::bigint IS NULL OR audiences.account_id = $1::bigint
GROUP BY audiences.account_id, audiences.id, both_counts.status
HAVING sum(both_counts.counted) <> sum(both_counts.stored)
ORDER BY audiences.id, both_counts.status
LIMIT $2::integer
