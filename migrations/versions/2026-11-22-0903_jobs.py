"""Imports, exports and bulk actions as jobs.

Forward only; runs on a live database within the time-outs of env.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "jobs"
down_revision = "segments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counts = [
        sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        for name in ("processed", "created", "updated", "skipped", "failed", "told")
    ]
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("audience_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("position", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        *counts,
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("emptied", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_jobs_account", "jobs", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_jobs_open", "jobs", ["id"], unique=False, postgresql_where=sa.text("status IN ('queued', 'running')")
    )
    op.create_index("ix_jobs_files", "jobs", ["finished_at"], unique=False, postgresql_where=sa.text("NOT emptied"))
    op.create_table(
        "job_chunks",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_chunks_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "kind", "seq", name=op.f("pk_job_chunks")),
    )
    # Compressing a megabyte costs more than writing it, and the pieces are gone after a week.
    op.execute("ALTER TABLE job_chunks ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
