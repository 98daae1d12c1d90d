"""Unsubscriptions through a mail's own link, button or address. Written by `app.core.tracking`, `app.core.ingest`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Means(StrEnum):
    """How a recipient unsubscribed."""

    ONE_CLICK = "one_click"
    """RFC 8058: the mail program's own button."""
    PAGE = "page"
    MAIL = "mail"
    """A mail to the address of List-Unsubscribe."""
    SIMULATOR = "simulator"


class Unsubscription(Base):
    """One unsubscription; a copy has a second one only when its recipient had subscribed again meanwhile."""

    __tablename__ = "unsubscriptions"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at", "id"),
        Index("ix_unsubscriptions_account", "account_id", "occurred_at", "id"),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    id: Mapped[int] = mapped_column(BigInteger)
    """From the sequence `event_ids`."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    means: Mapped[str]
    ip: Mapped[str]
    user_agent: Mapped[str]
    recipient: Mapped[str]
    x_headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    postback_at: Mapped[datetime | None]
    """When the customer's postback succeeded."""
