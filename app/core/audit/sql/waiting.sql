-- Unfinished copies that are not in exactly one place, and entries of queue and leases that should not be.
--
-- An entry of a lease is open until its attempt is recorded, under this lease or another: a copy that was taken over
-- may be heard of by its first owner, and what the second says then is flagged. For the same reason a finished copy
-- that may have arrived twice may stand in the queue. And a report may say that a copy failed before its owner records
-- that it was taken. Copies that another system sent are not ours to try.
--
-- $1 since timestamp with time zone: lost copies are looked for among those accepted from then on
-- $2 account_id bigint: only of this account; null = of all
-- $3 run_id bigint: only of this run; null = all
-- $4 holds boolean: whether copies in doubt wait for no attempt
-- $5 limit integer: most rows
-- -> kind text: lost, doubled, finished, stray, wrong run
-- -> message_id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition
-- -> state text: what the ledger says, null for a stray
-- -> places text: queue, lease <id>, ...; null when lost
-- -> found bigint: how many rows there are without the limit
--
-- Locks: none. Index: pk_attempts, ix_foreign_email_ids_message_id; the ledger since then is read as a whole.
WITH entries AS (
    SELECT message_id, accepted_at, run_id, 'queue' AS place
    FROM delivery_queue
    UNION ALL
    SELECT item.message_id, item.accepted_at, delivery_leases.run_id, 'lease ' || delivery_leases.id
    FROM delivery_leases
    CROSS JOIN LATERAL unnest(message_ids, accepted_ats, attempts) AS item (message_id, accepted_at, attempt)
    WHERE NOT EXISTS (
        SELECT FROM attempts
        WHERE attempts.message_id = item.message_id AND attempts.accepted_at = item.accepted_at
          AND attempts.attempt = item.attempt
    )
), waiting AS MATERIALIZED (
    SELECT message_id, accepted_at, count(*) AS entries, string_agg(place, ', ' ORDER BY place) AS places,
        min(coalesce(run_id, 0)) AS least_run, max(coalesce(run_id, 0)) AS greatest_run
    FROM entries
    GROUP BY message_id, accepted_at
), judged AS (
    SELECT CASE
            WHEN messages.id IS NULL THEN 'stray'
            WHEN messages.state NOT IN ('queued', 'sending', 'deferred', 'uncertain')
                THEN CASE WHEN NOT messages.possible_duplicate
                    AND NOT (messages.state = 'bounced' AND waiting.places NOT LIKE '%queue%') THEN 'finished' END
            WHEN waiting.entries > 1 THEN 'doubled'
            WHEN waiting.least_run <> coalesce(messages.run_id, 0)
              OR waiting.greatest_run <> coalesce(messages.run_id, 0) THEN 'wrong run'
        END AS kind,
        waiting.message_id, waiting.accepted_at, messages.state, waiting.places
    FROM waiting
    LEFT JOIN messages ON messages.id = waiting.message_id AND messages.accepted_at = waiting.accepted_at
    WHERE ($2::bigint IS NULL OR messages.account_id = $2::bigint)
      AND ($3::bigint IS NULL OR messages.run_id = $3::bigint)
    UNION ALL
    SELECT 'lost', messages.id, messages.accepted_at, messages.state, NULL
    FROM messages
    WHERE messages.accepted_at >= $1::timestamptz
      AND messages.state IN ('queued', 'sending', 'deferred', 'uncertain')
      AND NOT ($4::boolean AND messages.state = 'uncertain')
      AND NOT EXISTS (SELECT FROM foreign_email_ids AS name WHERE name.message_id = messages.id)
      AND ($2::bigint IS NULL OR messages.account_id = $2::bigint)
      AND ($3::bigint IS NULL OR messages.run_id = $3::bigint)
      AND NOT EXISTS (
        SELECT FROM waiting
        WHERE waiting.message_id = messages.id AND waiting.accepted_at = messages.accepted_at
    )
)
SELECT kind, message_id, accepted_at, state, places, count(*) OVER () AS found
FROM judged
WHERE kind IS NOT NULL
ORDER BY kind, message_id
LIMIT $5::int
