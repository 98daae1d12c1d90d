"""Complaints of recipients. Written by `app.core.tracking`; taken over from elsewhere by `app.core.ingest`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Complaint(Base):
    """A recipient's receiver reported a copy as abuse (RFC 5965); a copy is complained about at most once."""

    __tablename__ = "complaints"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at"),
        Index("ix_complaints_account", "account_id", "complained_at", "message_id"),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    complained_at: Mapped[datetime]
    source: Mapped[str]
    """Who told: the reporting receiver, or `simulator`."""
    full_content: Mapped[str]
    """The whole report; "" without one."""
    recipient: Mapped[str]
    x_headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    postback_at: Mapped[datetime | None]
    """When the customer's postback succeeded."""
