"""Segments, contacts counted by status, and the indexes of lists that are read in pages.

Forward only; runs on a live database within the time-outs of env.py.

From the moment its triggers are there every change of contacts is tallied. What had been there before is tallied last:
one statement sees both the contacts and the tallies as they are at one instant, so the difference is exact whatever is
written meanwhile, and nobody is kept waiting. Begun again after a crash it finds what it has done.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "segments"
down_revision = "changelog"
branch_labels = None
depends_on = None

INSERTED = """
CREATE OR REPLACE FUNCTION tally_inserted_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audience_tallies (audience_id, status, delta)
    SELECT audience_id, status, count(*) FROM added WHERE removed_at IS NULL GROUP BY audience_id, status;
    RETURN NULL;
END $$
"""
DELETED = """
CREATE OR REPLACE FUNCTION tally_deleted_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audience_tallies (audience_id, status, delta)
    SELECT audience_id, status, -count(*) FROM gone WHERE removed_at IS NULL GROUP BY audience_id, status;
    RETURN NULL;
END $$
"""
UPDATED = """
CREATE OR REPLACE FUNCTION tally_updated_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audience_tallies (audience_id, status, delta)
    SELECT audience_id, status, sum(change)
      FROM (SELECT audience_id, status, 1 AS change FROM added WHERE removed_at IS NULL
             UNION ALL
            SELECT audience_id, status, -1 FROM gone WHERE removed_at IS NULL) AS changes
     GROUP BY audience_id, status
    HAVING sum(change) <> 0;
    RETURN NULL;
END $$
"""
TRIGGERS = (
    ("inserted", "INSERT", "NEW TABLE AS added"),
    ("deleted", "DELETE", "OLD TABLE AS gone"),
    ("updated", "UPDATE", "OLD TABLE AS gone NEW TABLE AS added"),
)
INDEXES = (
    "ix_contacts_members ON contacts (audience_id, id) INCLUDE (removed_at)",
    "ix_contacts_created ON contacts (audience_id, created_at, id) WHERE removed_at IS NULL",
    "ix_contacts_updated ON contacts (audience_id, updated_at, id) WHERE removed_at IS NULL",
)
BEFORE = """
INSERT INTO audience_tallies (audience_id, status, delta)
SELECT audience_id, status, sum(contacts)
  FROM (SELECT audience_id, status, count(*) AS contacts FROM contacts
         WHERE removed_at IS NULL GROUP BY audience_id, status
         UNION ALL
        SELECT audience_id, status, -sum(delta) FROM audience_tallies GROUP BY audience_id, status) AS both_counts
 GROUP BY audience_id, status
HAVING sum(contacts) <> 0
"""


def upgrade() -> None:
    op.create_table(
        "segments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("audience_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_segments_account_id_accounts")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_segments_audience_id_audiences")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        if_not_exists=True,
    )
    op.create_index("ix_segments_audience", "segments", ["audience_id", "id"], unique=False, if_not_exists=True)
    op.create_table(
        "audience_tallies",
        sa.Column("audience_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("audience_id", "id", name=op.f("pk_audience_tallies")),
        if_not_exists=True,
    )
    for function in (INSERTED, DELETED, UPDATED):
        op.execute(function)
    op.execute(
        "ALTER TABLE audience_tallies SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,"
        " autovacuum_vacuum_cost_delay = 0)"
    )
    for name, statement, tables in TRIGGERS:
        op.execute(
            f"CREATE OR REPLACE TRIGGER tally_{name} AFTER {statement} ON contacts REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION tally_{name}_contacts()"
        )
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        op.execute(BEFORE)
        for index in INDEXES:
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_contacts_audience")  # ix_contacts_members does its work
        _index_events_of_contacts()
        op.execute("SET statement_timeout = '5s'")
        op.execute("SET lock_timeout = '4s'")


def _index_events_of_contacts() -> None:
    """Index every month by itself: PostgreSQL does not do a partitioned table concurrently."""
    on = "(contact_id, occurred_at, id) WHERE contact_id IS NOT NULL"
    op.execute(f"CREATE INDEX IF NOT EXISTS ix_domain_events_contact ON ONLY domain_events {on}")
    rows = op.get_bind().exec_driver_sql(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'domain_events'::regclass ORDER BY 1"
    )
    for (month,) in rows.fetchall():
        index = f"{month}_contact_idx"
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {month} {on}")
        op.execute(f"ALTER INDEX ix_domain_events_contact ATTACH PARTITION {index}")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
