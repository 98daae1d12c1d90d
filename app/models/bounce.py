"""Bounces. Written by `app.core.messages`; taken over from elsewhere by `app.core.ingest`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class BounceType(StrEnum):
    """Whether the address or the moment was at fault (docs/contract/dyn-email.md, 15.2)."""

    HARD = "hard"
    SOFT = "soft"


class Bounce(Base):
    """The final failure of a copy; a copy bounces at most once. Type, category and code are independent facts."""

    __tablename__ = "bounces"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at"),
        Index(
            "ix_bounces_listed",
            "account_id",
            "bounced_at",
            "message_id",
            postgresql_include=["accepted_at", "sender_id", "bounce_type", "category", "recipient", "x_headers"],
        ),
        Index("ix_bounces_recipient", "account_id", func.hashtextextended(func.lower(text("recipient")), text("0"))),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    bounced_at: Mapped[datetime]
    bounce_type: Mapped[str]
    category: Mapped[str]
    code: Mapped[str]
    """Enhanced status code."""
    regex_name: Mapped[str]
    """Which rule of `app/mail/classify.toml` decided."""
    recipient: Mapped[str]
    diagnostic: Mapped[str]
    """What the other server said."""
    full_content: Mapped[str]
    """The whole report; for a reply during delivery the reply."""
    x_headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    postback_at: Mapped[datetime | None]
    """When the customer's postback succeeded."""
