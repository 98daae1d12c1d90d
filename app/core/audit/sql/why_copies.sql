-- The newest copies for an address, with what is needed to say in a sentence what became of each.
--
-- $1 address text: in lower case
-- $2 account_id bigint: only of this account; null = of all
-- $3 campaign_id bigint: only of this campaign; null = all
-- $4 limit integer: most copies
-- -> message_id bigint: the copy
-- -> accepted_at timestamp with time zone: its partition
-- -> accepted_ms smallint: milliseconds of its acceptance
-- -> account_id bigint: owner
-- -> sender text: From address
-- -> kind text: what made it
-- -> state text: where it stands; `queued` for what was given back before its first attempt, `sending` in the ledger
-- -> attempts smallint: recorded
-- -> delivered_at timestamp with time zone: when a server took it
-- -> finished_at timestamp with time zone: when it was finished
-- -> possible_duplicate boolean: whether it may have arrived twice
-- -> blocked_reason text: why it was blocked
-- -> run_id bigint: null for a single mail, like the next six
-- -> campaign_id bigint: of the run
-- -> campaign_name text: of the run
-- -> run_state text: of the run
-- -> run_error text: why the platform paused it
-- -> run_finished_at timestamp with time zone: its end
-- -> due_at timestamp with time zone: next attempt, null when it is not in the queue
-- -> is_leased boolean: whether a delivery process has it
-- -> bounced_at timestamp with time zone: when its final failure was recorded
-- -> suppressed_at timestamp with time zone: when its address came on the list for the reason it was blocked for
--
-- Locks: none. Index: ix_messages_recipient, primary keys, uq_suppressions_account_id_address.
WITH found AS MATERIALIZED (
    -- Nothing but the address here: where statistics are old, an index on the run would look as good and be read whole.
    SELECT *
    FROM messages
    WHERE hashtextextended(lower(recipient), 0) = hashtextextended($1::text, 0) AND lower(recipient) = $1::text
), copy AS MATERIALIZED (
    SELECT *
    FROM found
    WHERE ($2::bigint IS NULL OR account_id = $2::bigint)
      AND ($3::bigint IS NULL OR run_id IN (SELECT id FROM runs WHERE runs.campaign_id = $3::bigint))
    ORDER BY accepted_at DESC, id DESC
    LIMIT $4::int
)
SELECT copy.id AS message_id, copy.accepted_at, copy.accepted_ms, copy.account_id, senders.email AS sender,
    copy.kind, CASE WHEN copy.state = 'sending' AND delivery_queue.due_at IS NOT NULL THEN 'queued' ELSE copy.state END AS state,
    copy.attempts, copy.delivered_at, copy.finished_at, copy.possible_duplicate,
    copy.blocked_reason, copy.run_id, campaigns.id AS campaign_id, campaigns.name AS campaign_name,
    runs.state AS run_state, runs.error AS run_error, runs.finished_at AS run_finished_at,
    delivery_queue.due_at,
    copy.finished_at IS NULL AND EXISTS (
        SELECT FROM delivery_leases WHERE copy.id = ANY (delivery_leases.message_ids)
    ) AS is_leased,
    copy.bounced_at,
    suppressions.created_at AS suppressed_at
FROM copy
LEFT JOIN senders ON senders.id = copy.sender_id
LEFT JOIN runs ON runs.id = copy.run_id
LEFT JOIN campaigns ON campaigns.id = runs.campaign_id
LEFT JOIN delivery_queue ON delivery_queue.message_id = copy.id
LEFT JOIN suppressions ON suppressions.account_id = copy.account_id AND suppressions.address = $1::text
    AND suppressions.reason = copy.blocked_reason
ORDER BY copy.accepted_at DESC, copy.id DESC
