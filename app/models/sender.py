"""Approved From addresses. Written by `app.core.senders`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.kit.ids import uuid7


class SenderStatus(StrEnum):
    """Whether a sender may be used."""

    PENDING = "pending"
    READY = "ready"
    DISABLED = "disabled"


class Sender(Base):
    """A full e-mail address that an account may send from. A deleted one keeps its row, and its id when it returns."""

    __tablename__ = "senders"
    __table_args__ = (Index("uq_senders_email", "account_id", func.lower(text("email")), unique=True),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    """The integer `sender_id` of the foreign families."""
    public_id: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str]
    seeding: Mapped[bool] = mapped_column(default=False, server_default="false")
    dkim_selector: Mapped[str] = mapped_column(default="", server_default="")
    """Selector of the key of `dkim_keys` that signs; "" = unsigned."""
    dkim_ok: Mapped[bool] = mapped_column(default=False, server_default="false")
    spf_ok: Mapped[bool] = mapped_column(default=False, server_default="false")
    return_path_ok: Mapped[bool] = mapped_column(default=False, server_default="false")
    tracking_ok: Mapped[bool] = mapped_column(default=False, server_default="false")
    dmarc_ok: Mapped[bool] = mapped_column(default=False, server_default="false")
    checked_at: Mapped[datetime | None]
    """When DNS was last looked at."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
