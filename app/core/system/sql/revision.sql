-- The revision of the schema.
--
-- -> version_num varchar: of the last migration that ran
--
-- Locks: none.
SELECT version_num FROM alembic_version
