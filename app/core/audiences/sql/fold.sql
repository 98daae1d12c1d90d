-- Puts one tally for each status, the total, in the place of all tallies of audiences that have new ones. Whoever counts
-- meanwhile sees the many or the one, and whoever changes contacts adds to them and waits for nobody. An old total goes
-- first, so that there is never a second one.
-- Locks: the tallies that go, which nobody else takes. Index: pk_audience_tallies, ix_audience_tallies_recent.
--
-- $1 batch bigint: tallies to put together at most
-- -> folded bigint: how many went: one row
  WITH held AS MATERIALIZED (
       SELECT audience_id, id
         FROM audience_tallies
        WHERE audience_id IN (SELECT audience_id FROM audience_tallies WHERE account_id IS NULL)
        ORDER BY audience_id, account_id NULLS LAST, id
        LIMIT $1::bigint
     ), gone AS (
       DELETE FROM audience_tallies AS tally
        USING held
        WHERE tally.audience_id = held.audience_id AND tally.id = held.id
       RETURNING tally.audience_id, tally.status, tally.delta
     ), kept AS (
       INSERT INTO audience_tallies (audience_id, status, delta, account_id)
       SELECT gone.audience_id, gone.status, sum(gone.delta), audiences.account_id
         FROM gone
         JOIN audiences ON audiences.id = gone.audience_id
        GROUP BY gone.audience_id, gone.status, audiences.account_id
       HAVING sum(gone.delta) <> 0
     )
SELECT count(*) AS folded FROM gone
