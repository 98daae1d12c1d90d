-- Holds an audience until the end of the transaction, so that bulk changes of its contacts follow one another.
-- Locks: the audience's row, weakly enough for contacts to be added one by one meanwhile. Index: pk_audiences.
--
-- $1 account_id bigint: whose audience
-- $2 audience_id bigint: the audience
-- -> id bigint: one row, or none when there is no such audience
SELECT id
  FROM audiences
 WHERE id = $2::bigint
   AND account_id = $1::bigint
   AND deleted_at IS NULL
   FOR NO KEY UPDATE
