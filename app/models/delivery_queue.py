"""The delivery queue. Written by `app.core.messages`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class QueuedCopy(Base):
    """A copy that waits for an attempt. Claiming deletes the row and notes the copy in a lease."""

    __tablename__ = "delivery_queue"
    __table_args__ = (Index("ix_delivery_queue_due", "lane", "due_at", "message_id"),)

    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    due_at: Mapped[datetime]
    """Not before this instant."""
    lane: Mapped[int] = mapped_column(SmallInteger)
    """0 urgent, 1 normal, 2 non-urgent; lower lanes are always served first."""
    attempt: Mapped[int] = mapped_column(SmallInteger)
    """Number of the attempt it waits for, from 1."""
    site: Mapped[str]
    """Domain of the recipient."""
