"""Delivery attempts. Written by `app.core.messages`; taken over from elsewhere by `app.core.ingest`."""

from datetime import datetime

from sqlalchemy import BigInteger, PrimaryKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Attempt(Base):
    """What one attempt to deliver a copy brought: every attempt leaves a trace.

    The lease is part of the key: recording the same claim again (after a commit whose answer was lost) changes nothing,
    while a second claim of the same attempt, after an outage, is kept beside the first.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at", "attempt", "lease_id"),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    attempt: Mapped[int] = mapped_column(SmallInteger)
    lease_id: Mapped[int] = mapped_column(BigInteger)
    attempted_at: Mapped[datetime]
    """When the outcome was known."""
    outcome: Mapped[str]
    """`delivered`, `deferred`, `rejected`, `in_doubt`."""
    code: Mapped[int] = mapped_column(SmallInteger)
    """SMTP reply code, 0 without a reply."""
    enhanced: Mapped[str]
    """Enhanced status code (RFC 3463), "" without one."""
    reply: Mapped[str]
    """What the server said, or what went wrong on our side."""
    host: Mapped[str]
    """The server that was talked to."""
    duration_ms: Mapped[int]
