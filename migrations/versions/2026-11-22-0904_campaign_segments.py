"""Campaigns for a segment of their audience.

Forward only; runs on a live database within the time-outs of env.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "campaign_segments"
down_revision = "jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("segment_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
