"""Clicks. Written by `app.core.tracking`; taken over from elsewhere by `app.core.ingest`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Click(Base):
    """One visit of a tracked link of a copy (docs/contract/dyn-email.md, 13)."""

    __tablename__ = "clicks"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at", "id"),
        Index("ix_clicks_account", "account_id", "occurred_at", "id"),
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
    link: Mapped[int]
    """Number of the link in its content, from 0."""
    url: Mapped[str]
    """Where it led."""
    occurred_at: Mapped[datetime]
    ip: Mapped[str]
    """Who came; "" unknown."""
    user_agent: Mapped[str]
    """Cut at 500 characters."""
    machine: Mapped[bool]
    """Whether a program is known to have followed it before anybody read the mail."""
