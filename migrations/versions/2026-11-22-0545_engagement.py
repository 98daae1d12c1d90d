"""Opens, clicks, complaints, unsubscriptions and their counters; marks of recipients; domain events and postbacks.

Forward only; runs on a live database within the time-outs of env.py. New columns have constant defaults, so no row is
written; new indexes on partitions that are in use are made concurrently, without those time-outs: they block nobody.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "engagement"
down_revision = "campaigns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("event_ids", minvalue=1)))
    op.create_table(
        "clicks",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "accepted_at", "id", name=op.f("pk_clicks")),
        postgresql_partition_by="RANGE (accepted_at)",
    )
    op.create_index("ix_clicks_account", "clicks", ["account_id", "occurred_at", "id"], unique=False)
    op.create_table(
        "complaints",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("complained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("full_content", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("x_headers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("postback_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "accepted_at", name=op.f("pk_complaints")),
        postgresql_partition_by="RANGE (accepted_at)",
    )
    op.create_index("ix_complaints_account", "complaints", ["account_id", "complained_at", "message_id"], unique=False)
    op.create_table(
        "domain_events",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('event_ids')"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("audience_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("routed", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("id", "occurred_at", name=op.f("pk_domain_events")),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index("ix_domain_events_account", "domain_events", ["account_id", "occurred_at", "id"], unique=False)
    op.create_index(
        "ix_domain_events_unrouted", "domain_events", ["id"], unique=False, postgresql_where=sa.text("NOT routed")
    )
    op.create_table(
        "engagements",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("opens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("clicks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_ip", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("message_id", "accepted_at", name=op.f("pk_engagements")),
        postgresql_partition_by="RANGE (accepted_at)",
    )
    op.create_index(
        "ix_engagements_opened",
        "engagements",
        ["account_id", "opened_at", "message_id"],
        unique=False,
        postgresql_where=sa.text("opened_at IS NOT NULL"),
    )
    op.create_index(
        "ix_engagements_run",
        "engagements",
        ["run_id", "message_id"],
        unique=False,
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_table(
        "link_clicks",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("link", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "accepted_at", "link", name=op.f("pk_link_clicks")),
        postgresql_partition_by="RANGE (accepted_at)",
    )
    op.create_index(
        "ix_link_clicks_account", "link_clicks", ["account_id", "clicked_at", "message_id", "link"], unique=False
    )
    op.create_index(
        "ix_link_clicks_run",
        "link_clicks",
        ["run_id", "link"],
        unique=False,
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_table(
        "opens",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "accepted_at", "id", name=op.f("pk_opens")),
        postgresql_partition_by="RANGE (accepted_at)",
    )
    op.create_index("ix_opens_account", "opens", ["account_id", "occurred_at", "id"], unique=False)
    op.create_table(
        "postbacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postbacks")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_postbacks_due",
        "postbacks",
        ["endpoint", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("given_up_at IS NULL"),
    )
    op.create_table(
        "unsubscriptions",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("x_headers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("postback_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "accepted_at", "id", name=op.f("pk_unsubscriptions")),
        postgresql_partition_by="RANGE (accepted_at)",
    )
    op.create_index("ix_unsubscriptions_account", "unsubscriptions", ["account_id", "occurred_at", "id"], unique=False)
    op.create_table(
        "recipient_marks",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recipient_marks_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "address", name=op.f("pk_recipient_marks")),
    )
    op.create_table(
        "foreign_email_ids",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("email_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "email_id", name=op.f("pk_foreign_email_ids")),
    )
    op.create_index("ix_foreign_email_ids_message_id", "foreign_email_ids", ["message_id"], unique=False)
    op.create_index("ix_foreign_email_ids_accepted_at", "foreign_email_ids", ["accepted_at"], unique=False)
    op.add_column("mails", sa.Column("tracking", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("mails", sa.Column("links", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("messages", sa.Column("postback_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("suppressions", sa.Column("source_accepted_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("opens", "unique_opens", "clicks", "unique_clicks", "complaints", "unsubscribes"):
        for table in ("hourly_counts", "daily_counts"):
            op.add_column(table, sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    for name in ("opens", "opened", "clicks", "clicked", "complaints", "unsubscribes"):
        op.add_column("run_counts", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.create_index(
            "ix_suppressions_account",
            "suppressions",
            ["account_id", "created_at", "id"],
            unique=False,
            if_not_exists=True,
            postgresql_concurrently=True,
        )
        _index("bounces", "ix_bounces_recipient", "account_id, hashtextextended(lower(recipient), 0)")
        _index(
            "messages",
            "ix_messages_blocked",
            "account_id, accepted_at, id",
            "INCLUDE (sender_id) WHERE blocked_reason IS NOT NULL",
        )
        op.execute("SET statement_timeout = '5s'")


def _index(table: str, name: str, columns: str, options: str = "") -> None:
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
