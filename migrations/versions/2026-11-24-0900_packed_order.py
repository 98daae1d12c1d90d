"""Packed counts by span first, then by account: what a question reads lies together, and comes in groups.

Forward only; runs on a live database within the time-outs of env.py. The index is made concurrently and then takes the
place of the primary key. Begun again after a crash it makes it anew.

Also goes what `packed_counts` may have kept of hours that retention forgot while that table was filled.
"""

from alembic import op

revision = "packed_order"
down_revision = "packed_counts"
branch_labels = None
depends_on = None

ORPHANS = """
DELETE FROM packed_counts
 WHERE NOT EXISTS (SELECT FROM closed_hours
                    WHERE closed_hours.account_id = packed_counts.account_id
                      AND closed_hours.sender_id = packed_counts.sender_id
                      AND closed_hours.day >= DATE '1970-01-01' + packed_counts.span * 8
                      AND closed_hours.day < DATE '1970-01-01' + packed_counts.span * 8 + 8)
"""
BEFORE = "ORDER BY measure, touched.account_id, span, touched.sender_id"
AFTER = "ORDER BY measure, span, touched.account_id, touched.sender_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute(ORPHANS)
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS packed_counts_by_span")
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY packed_counts_by_span"
            " ON packed_counts (measure, span, account_id, sender_id) INCLUDE (days)"
        )
        op.execute("SET statement_timeout = '5s'")
    op.execute(
        "ALTER TABLE packed_counts DROP CONSTRAINT pk_packed_counts,"
        " ADD CONSTRAINT pk_packed_counts PRIMARY KEY USING INDEX packed_counts_by_span"
    )
    bind = op.get_bind()
    function = bind.exec_driver_sql("SELECT pg_get_functiondef('pack_counts'::regproc)").scalar_one()
    bind.exec_driver_sql(function.replace(BEFORE, AFTER))


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
