"""What else senders' domains publish: return path, tracking, DMARC.

Forward only; runs on a live database within the time-outs of env.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "sender_records"
down_revision = "inbound"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("return_path_ok", "tracking_ok", "dmarc_ok"):
        op.add_column("senders", sa.Column(name, sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
