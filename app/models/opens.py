"""Opens: what pixels told. Written by `app.core.tracking`; taken over from elsewhere by `app.core.ingest`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Sequence
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base

EVENT_IDS = Sequence("event_ids", metadata=Base.metadata, minvalue=1)
"""Ids of everything that happens to copies, contacts and lists; given before a group is written, so that writing it
again changes nothing."""


class Open(Base):
    """One fetch of the pixel of a copy (docs/contract/dyn-email.md, 13)."""

    __tablename__ = "opens"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at", "id"),
        Index("ix_opens_account", "account_id", "occurred_at", "id"),
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
    occurred_at: Mapped[datetime]
    ip: Mapped[str]
    """Who fetched it; "" unknown."""
    user_agent: Mapped[str]
    """Cut at 500 characters."""
    machine: Mapped[bool]
    """Whether a program is known to have fetched it before anybody read the mail."""
