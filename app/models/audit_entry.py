"""Who changed what. Written by `app.core.changelog`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AuditEntry(Base):
    """One change of one configuration row, written in the transaction that made it."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_account_id", "account_id", "id"),
        Index("ix_audit_log_object", "object_type", "object_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    """Whose row it is; null for what belongs to the installation."""
    actor: Mapped[str]
    """User name, or the name of what acted by itself."""
    actor_account_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_key_id: Mapped[UUID | None]
    request_id: Mapped[str] = mapped_column(server_default="")
    action: Mapped[str]
    """created, changed or deleted."""
    object_type: Mapped[str]
    object_id: Mapped[str]
    """The name that the native API gives the object."""
    changes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """By column: [before, after], or null where values are not told."""
