"""Claims in progress. Written by `app.core.messages`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger
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
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    host: Mapped[str]
    """Whose journals tell what became of it: the id of the data directory."""
    incarnation: Mapped[UUID]
    """The process, anew at each start; also the name of its journal."""
    claimed_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    message_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    accepted_ats: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    attempts: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    lanes: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
