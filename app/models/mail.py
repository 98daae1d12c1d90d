"""Content of single mails, once for all their copies. Written by `app.core.messages`."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Mail(Base):
    """What one mail says: header lines in order, text and HTML, still Unicode and encoded when it is sent; or `raw`."""

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
    """[[name, value], ...]; of a raw mail its subject alone, decoded, for those who look at it."""
    text: Mapped[str | None]
    html: Mapped[str | None]
    tracking: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """What its copies report, as the account's switches stood: 1 opens + 2 clicks + 4 unsubscribing."""
    links: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """Where its tracked links lead, by link number from 0; null without any."""
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A mail that came whole, by SMTP submission: header section, blank line and body, sent as they are but for what
    has to change; null for mail that was made here."""
