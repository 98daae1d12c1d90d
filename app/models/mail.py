"""Content of single mails, once for all their copies. Written by `app.core.messages`."""

from datetime import datetime

from sqlalchemy import BigInteger, PrimaryKeyConstraint, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
    tracking: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """What its copies report, as the account's switches stood: 1 opens + 2 clicks + 4 unsubscribing."""
    links: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """Where its tracked links lead, by link number from 0; null without any."""
