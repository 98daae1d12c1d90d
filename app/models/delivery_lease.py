"""Claims in progress. Written by `app.core.messages`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import DateTime

from app.db.base import Base


class DeliveryLease(Base):
    """One claim of one delivery process: which copies it took, until when nobody else may.

    Row and queue entries change hands in one transaction, so a copy that is not finished is always in the queue or in
    exactly one lease. The arrays are parallel; which of the copies are done is told by `attempts`, which hold the id
    of the lease.
    """

    __tablename__ = "delivery_leases"
    __table_args__ = (
        Index("ix_delivery_leases_incarnation", "incarnation"),
        Index("ix_delivery_leases_lease_until", "lease_until"),
        Index("ix_delivery_leases_run_id", "run_id", postgresql_where=text("run_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    host: Mapped[str]
    """Whose journals tell what became of it: the id of the data directory."""
    incarnation: Mapped[UUID]
    """The process, anew at each start; also the name of its journal."""
    claimed_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    """Run all its copies belong to, null for single mails."""
    epoch: Mapped[int | None]
    """The newest epoch of that run its owner is known to have obeyed; at first that of the claim."""
    message_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    accepted_ats: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    attempts: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    lanes: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
