"""Marks of addresses that bounced or complained.

Written by `app.core.suppressions` and, for bounces, `app.core.contacts`.
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class RecipientMark(Base):
    """An address that `recipients/status` calls inactive until it is activated (docs/contract/dyn-email.md, 9.1)."""

    __tablename__ = "recipient_marks"

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    """Trimmed, lower case."""
    reason: Mapped[str]
    """hardbounce, softbounce or complaint."""
    marked_at: Mapped[datetime] = mapped_column(server_default=func.now())
