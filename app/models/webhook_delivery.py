"""What webhooks are told. Written by `app.core.webhooks`."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    """It is, or will be, tried."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up."""


class WebhookDelivery(Base):
    """One event for one webhook: names the event, whose row elsewhere says what is told. Kept 30 days."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_due", "webhook_id", "due_at", "id", postgresql_where=text("status = 'waiting'")),
        Index("ix_webhook_deliveries_webhook", "webhook_id", "id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    webhook_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int] = mapped_column(BigInteger)
    event_type: Mapped[str]
    event_source: Mapped[int | None] = mapped_column(SmallInteger)
    """With the next two the event's `EventId`; null for a sample."""
    event_copy: Mapped[int] = mapped_column(BigInteger, server_default="0")
    event_row: Mapped[int] = mapped_column(BigInteger, server_default="0")
    event_at: Mapped[datetime]
    """Partition of the copy, or of the event itself where it is about none."""
    event_id: Mapped[UUID | None]
    """Of a sample, which no row has."""
    sample: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What a sample tells."""
    status: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Tries that have ended."""
    due_at: Mapped[datetime]
    """Next try; a claim moves it ahead, so that a try nobody ended is made again."""
    last_status: Mapped[int | None] = mapped_column(SmallInteger)
    """HTTP status of the last try; null without an answer."""
    last_error: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    delivered_at: Mapped[datetime | None]
