"""Mail that comes to us: whole mails of SMTP submission.

Forward only; runs on a live database within the time-outs of env.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "inbound"
down_revision = "automations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mails", sa.Column("raw", sa.LargeBinary(), nullable=True))
