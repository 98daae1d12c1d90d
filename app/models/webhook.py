"""Webhooks: where accounts want to be told of events. Written by `app.core.webhooks`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.db.base import Base


class WebhookStatus(StrEnum):
    """Whether it is told anything."""

    ACTIVE = "active"
    DISABLED = "disabled"
    """By its account, by a 410, or after five days without success."""


class Webhook(Base):
    """One URL of an account that events are posted to."""

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("ix_webhooks_account", "account_id", "id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    url: Mapped[str]
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """As they were given: names, `email.*`, `*`."""
    status: Mapped[str] = mapped_column(default=WebhookStatus.ACTIVE, server_default="active")
    description: Mapped[str] = mapped_column(default="", server_default="")
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    """What signs, under the secret keys."""
    old_secrets: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), default=list, server_default=text("'{}'"))
    """What signed before a rotation and still does, under the secret keys, the newest first."""
    old_secrets_until: Mapped[list[datetime]] = mapped_column(
        ARRAY(TIMESTAMP(timezone=True)), default=list, server_default=text("'{}'")
    )
    """How long each of them still does."""
    failing_since: Mapped[datetime | None]
    """The first failure since the last success."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
