"""Automations, the contacts in them, and the calls they ask for.

Forward only; runs on a live database within the time-outs of env.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "automations"
down_revision = "webhooks"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _when(name: str, *, given: bool = False) -> sa.Column[sa.DateTime]:
    default = sa.text("now()") if given else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not given)


def upgrade() -> None:
    op.create_table(
        "automations",
        _id(),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("audience_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("trigger_type", sa.Text(), nullable=False),
        sa.Column("trigger_key", sa.Text(), server_default="", nullable=False),
        sa.Column("trigger_properties", postgresql.JSONB(), nullable=True),
        sa.Column("reentry", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("steps", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("moves", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        _when("activated_at"),
        _when("created_at", given=True),
        _when("updated_at"),
        _when("deleted_at"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_automations_account_id_accounts")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_automations_audience_id_audiences")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automations")),
    )
    op.create_index("ix_automations_account", "automations", ["account_id", "id"])
    op.create_index(
        "ix_automations_active",
        "automations",
        ["audience_id", "trigger_type", "trigger_key"],
        postgresql_where=sa.text("status = 'active' AND deleted_at IS NULL"),
    )
    _make_runs()
    op.create_table(
        "automation_tallies",
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        _id(),
        sa.Column("entered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stopped", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("automation_id", "id", name=op.f("pk_automation_tallies")),
    )
    op.create_table(
        "automation_calls",
        _id(),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        _when("created_at", given=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_calls")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_automation_calls_due", "automation_calls", ["endpoint", "due_at", "id"])


def _make_runs() -> None:
    op.create_table(
        "automation_runs",
        _id(),
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _when("due_at"),
        sa.Column("has_left", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        _when("failing_since"),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("sent", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        _when("entered_at", given=True),
        _when("ended_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_runs")),
        sa.UniqueConstraint(
            "automation_id", "contact_id", "turn", name=op.f("uq_automation_runs_automation_id_contact_id_turn")
        ),
        postgresql_with={"fillfactor": 80},
    )
    for name, columns, where, unique in (
        ("uq_automation_runs_active", ["automation_id", "contact_id"], "ended_at IS NULL", True),
        ("ix_automation_runs_due", ["automation_id", "due_at", "id"], "due_at IS NOT NULL", False),
        ("ix_automation_runs_listed", ["automation_id", "id"], None, False),
        ("ix_automation_runs_contact", ["contact_id", "id"], "ended_at IS NULL", False),
        ("ix_automation_runs_ended", ["ended_at"], "ended_at IS NOT NULL", False),
    ):
        op.create_index(
            name, "automation_runs", columns, unique=unique, postgresql_where=sa.text(where) if where else None
        )
    op.create_table(
        "automation_entrants",
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("automation_id", "contact_id", name=op.f("pk_automation_entrants")),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
