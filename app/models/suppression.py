"""Who must not be mailed, and why. Written by `app.core.suppressions` and, for bounces, `app.core.contacts`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Reason(StrEnum):
    """Why an address is on the list (docs/contract/dyn-metrics.md, 7.3)."""

    COMPLAINT = "complaint"
    HARDBOUNCE = "hardbounce"
    MANUAL = "manual"
    SOFTBOUNCE = "softbounce"
    UNSUBSCRIBE = "unsubscribe"


class Suppression(Base):
    """One address of one account's list; an address has at most one entry."""

    __tablename__ = "suppressions"
    __table_args__ = (
        UniqueConstraint("account_id", "address"),
        # The list in the order of time, and its changes since an instant, which clients ask for again and again.
        Index("ix_suppressions_account", "account_id", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    address: Mapped[str]
    """Trimmed, lower case."""
    reason: Mapped[str]
    detail: Mapped[str] = mapped_column(default="", server_default="")
    source_message_id: Mapped[int | None] = mapped_column(BigInteger)
    """The copy that caused it."""
    source_accepted_at: Mapped[datetime | None]
    """Its partition."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
