"""Configured single mails. Written by `app.core.transactional`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class MessageStatus(StrEnum):
    """Whether a message may be sent (docs/contract/native.md, 11)."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class ContentKind(StrEnum):
    """Where the bodies of a message come from (docs/contract/dynosend.md, 10)."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    """With each call."""


class TransactionalMessage(Base):
    """A mail as its author edits it; each call sends it to one recipient.

    Its uid and UUID follow from the id (`app.kit.uids`).
    """

    __tablename__ = "transactional_messages"
    __table_args__ = (Index("ix_transactional_messages_account_id", "account_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    audience_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("audiences.id"))
    """Where its recipients are contacts."""
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    from_email: Mapped[str]
    from_name: Mapped[str] = mapped_column(server_default="")
    reply_to: Mapped[str] = mapped_column(server_default="")
    subject: Mapped[str]
    content: Mapped[str] = mapped_column(server_default="internal")
    html: Mapped[str] = mapped_column(server_default="")
    """Of internal content; empty: none."""
    text: Mapped[str] = mapped_column(server_default="")
    """As `html`."""
    track_opens: Mapped[bool] = mapped_column(server_default="true")
    track_clicks: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change."""
    deleted_at: Mapped[datetime | None]
