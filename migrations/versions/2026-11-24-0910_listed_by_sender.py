"""The sender becomes part of what the lists of copies are found by: others are passed over inside the index.

As a column that was merely included it had to be fetched and compared row by row: three times as long beside a busy sender.
Size and what it costs to write are the same.

Forward only; runs on a live database within the time-outs of env.py. Indexes of months are made concurrently, without
those time-outs. Begun again after a crash it goes on with the month it was at.
"""

from alembic import op

revision = "listed_by_sender"
down_revision = "packed_order"
branch_labels = None
depends_on = None

MONTHS = """
SELECT inhrelid::regclass::text,
       coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(inhrelid::regclass || '_listed_idx')), false)
  FROM pg_inherits
 WHERE inhparent = 'messages'::regclass
 ORDER BY 1
"""
COLUMNS = "account_id, accepted_at, id, sender_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute(f"CREATE INDEX IF NOT EXISTS ix_messages_listed ON ONLY messages ({COLUMNS})")
        for month, is_made in op.get_bind().exec_driver_sql(MONTHS).fetchall():
            if not is_made:
                op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {month}_listed_idx")
                op.execute(f"CREATE INDEX CONCURRENTLY {month}_listed_idx ON {month} ({COLUMNS})")
            op.execute(f"ALTER INDEX ix_messages_listed ATTACH PARTITION {month}_listed_idx")
        op.execute("SET statement_timeout = '5s'")
    op.execute("DROP INDEX ix_messages_account")
    op.execute("ALTER INDEX ix_messages_listed RENAME TO ix_messages_account")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
