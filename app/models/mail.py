"""Content of single mails, once for all their copies. Written by `app.core.messages`."""

from datetime import datetime

from sqlalchemy import BigInteger, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Mail(Base):
    """What one `/send` submitted: header lines in order, text and HTML, all still Unicode; encoded when it is sent."""

    __tablename__ = "mails"
    __table_args__ = (
        PrimaryKeyConstraint("id", "accepted_at"),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger)
    """From the sequence `message_ids`."""
    accepted_at: Mapped[datetime]
    """Second of acceptance, the same as that of its copies."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    headers: Mapped[list[list[str]]] = mapped_column(JSONB)
    """[[name, value], ...]"""
    text: Mapped[str | None]
    html: Mapped[str | None]
