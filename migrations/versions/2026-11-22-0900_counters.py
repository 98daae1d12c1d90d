"""Counters read fast at tens of millions of rows.

Hours that are over go from `hourly_counts` to rows of 24 in `closed_hours`, and minutes of busy ones are counted
(docs/decisions/0015). Lists that are narrowed by domain or X-header, bounces and blocked copies are read from indexes alone.

Forward only; runs on a live database within the time-outs of env.py. Indexes are made concurrently, without those
time-outs: they block nobody.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "counters"
down_revision = "dynosend"
branch_labels = None
depends_on = None

METRICS = (
    "accepted",
    "delivered",
    "deferred",
    "hard_bounces",
    "soft_bounces",
    "blocked_complaint",
    "blocked_hardbounce",
    "blocked_manual",
    "blocked_softbounce",
    "blocked_unsubscribe",
    "opens",
    "unique_opens",
    "clicks",
    "unique_clicks",
    "complaints",
    "unsubscribes",
)
DOMAIN = "hashtextextended(lower(split_part(recipient, '@', -1)), 0)"
VALUES = "jsonb_path_query_array(x_headers, '$.*')"


def upgrade() -> None:
    op.create_table(
        "closed_hours",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, postgresql.ARRAY(sa.Integer()), nullable=True) for name in (*METRICS, "blocked")),
        sa.PrimaryKeyConstraint("account_id", "day", "sender_id", name=op.f("pk_closed_hours")),
    )
    op.create_table(
        "closed_minutes",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "hour", "sender_id", name=op.f("pk_closed_minutes")),
    )
    columns = ", ".join(METRICS)
    numbers = ", ".join(f"coalesce({name}[number], 0) AS {name}" for name in METRICS)
    op.execute(
        "CREATE VIEW counted_hours AS"
        f" SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date AS day, hour, {columns} FROM hourly_counts"
        " UNION ALL"
        " SELECT account_id, sender_id, day,"
        f" (day + make_interval(hours => number - 1)) AT TIME ZONE 'UTC' AS hour, {numbers}"
        " FROM closed_hours CROSS JOIN generate_series(1, 24) AS number"
    )
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        _index("messages", "ix_messages_domain", f"account_id, ({DOMAIN}), accepted_at, id", "INCLUDE (recipient)")
        for number in range(4):
            _index(
                "messages",
                f"ix_messages_header_{number}",
                f"account_id, (hashtextextended({VALUES} ->> {number}, 0)), accepted_at, id",
                f"INCLUDE (x_headers) WHERE ({VALUES} ->> {number}) IS NOT NULL",
            )
        _index(
            "messages",
            "ix_messages_refused",
            "account_id, accepted_at, id",
            "INCLUDE (sender_id, blocked_reason, recipient, x_headers) WHERE blocked_reason IS NOT NULL",
        )
        _index(
            "bounces",
            "ix_bounces_listed",
            "account_id, bounced_at, message_id",
            "INCLUDE (accepted_at, sender_id, bounce_type, category, recipient, x_headers)",
        )
        op.execute("SET statement_timeout = '5s'")
        for index in ("ix_messages_blocked", "ix_bounces_account"):
            op.execute(f"DROP INDEX IF EXISTS {index}")


def _index(table: str, name: str, columns: str, options: str) -> None:
    """Index every month by itself: PostgreSQL does not do a partitioned table concurrently."""
    op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} ({columns}) {options}")
    rows = op.get_bind().exec_driver_sql(
        f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass ORDER BY 1"
    )
    for (month,) in rows.fetchall():
        index = f"{month}_{name.removeprefix(f'ix_{table}_')}_idx"
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {month} ({columns}) {options}")
        op.execute(f"ALTER INDEX {name} ATTACH PARTITION {index}")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
