"""Answers kept for repeated requests. Written by `app.core.idempotency`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class IdempotencyKey(Base):
    """The answer to the first request with a key, committed together with what that request did."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    """Of method, path and body."""
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, str]]
    """Those that belong to the answer itself."""
    sealed: Mapped[bytes]
    """The body under the secret keys: it may hold a new API key."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
