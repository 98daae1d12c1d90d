"""Copies that another system sent, and the ids it gave them. Written by `app.core.ingest`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class ForeignEmailId(Base):
    """The name of one copy that was taken over: every such copy has one (docs/contract/native.md, 12).

    It is held, before the copy, by whoever takes over events of it.
    """

    __tablename__ = "foreign_email_ids"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "email_id"),
        Index("ix_foreign_email_ids_message_id", "message_id"),
        Index("ix_foreign_email_ids_accepted_at", "accepted_at"),
    )

    account_id: Mapped[int] = mapped_column(BigInteger)
    email_id: Mapped[str] = mapped_column(Text)
    """As it was given; for an event without one a blank and the digest of the event."""
    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy; moves with it when an earlier event becomes known."""
    given: Mapped[bool]
    """Whether it is shown as the copy's email id."""
