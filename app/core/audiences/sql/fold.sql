-- Puts one tally in the place of many, for audiences that have more of them than are read in no time. Whoever counts
-- meanwhile sees the many or the one, and whoever changes contacts adds to them and waits for nobody.
-- Locks: the tallies that go; another fold passes them over. Index: pk_audience_tallies.
--
-- $1 most bigint: tallies an audience may keep
-- $2 batch bigint: tallies to put together at most
-- -> folded bigint: how many went: one row
  WITH long AS MATERIALIZED (
       SELECT audience_id FROM audience_tallies GROUP BY audience_id HAVING count(*) > $1::bigint
     ), held AS MATERIALIZED (
       SELECT audience_id, id
         FROM audience_tallies
        WHERE audience_id IN (SELECT audience_id FROM long)
        ORDER BY audience_id, id
        LIMIT $2::bigint
          FOR UPDATE SKIP LOCKED
     ), gone AS (
       DELETE FROM audience_tallies AS tally
        USING held
        WHERE tally.audience_id = held.audience_id AND tally.id = held.id
       RETURNING tally.audience_id, tally.status, tally.delta
     ), kept AS (
       INSERT INTO audience_tallies (audience_id, status, delta)
       SELECT audience_id, status, sum(delta) FROM gone GROUP BY audience_id, status HAVING sum(delta) <> 0
     )
SELECT count(*) AS folded FROM gone
