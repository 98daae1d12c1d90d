"""The delivery queue. Written by `app.core.messages`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class QueuedCopy(Base):
    """A copy that waits for an attempt. Claiming deletes the row and notes the copy in a lease.

    A copy of a campaign stands here only for its later attempts: claiming it for the first is what makes it. Single
    mails are claimed by lane, copies of a run by run, so that a paused one costs nothing.
    """

    __tablename__ = "delivery_queue"
    __table_args__ = (
        Index("ix_delivery_queue_single", "lane", "due_at", "message_id", postgresql_where=text("run_id IS NULL")),
        Index("ix_delivery_queue_run", "run_id", "due_at", "message_id", postgresql_where=text("run_id IS NOT NULL")),
    )

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
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    """Run it belongs to, null for single mails."""
