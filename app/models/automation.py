"""Automations: what is to happen to contacts by itself. Written by `app.core.automations`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AutomationStatus(StrEnum):
    """Whether contacts enter, and whether those that have entered move on."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"


class TriggerType(StrEnum):
    """What lets a contact enter (docs/contract/dynosend.md, 14)."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    TAG_ADDED = "tag_added"
    EVENT = "event"


class Automation(Base):
    """Steps that each contact goes through that sets it off; its UUID follows from the id (`app.kit.uids`)."""

    __tablename__ = "automations"
    __table_args__ = (
        Index("ix_automations_account", "account_id", "id"),
        Index(
            "ix_automations_active",
            "audience_id",
            "trigger_type",
            "trigger_key",
            postgresql_where=text("status = 'active' AND deleted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    audience_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("audiences.id"))
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="draft")
    trigger_type: Mapped[str]
    trigger_key: Mapped[str] = mapped_column(server_default="")
    """The tag, or the name of the event."""
    trigger_properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Properties the event must have."""
    reentry: Mapped[bool] = mapped_column(server_default="false")
    """Whether a contact may enter again once it is through."""
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(server_default="1")
    """Raised with every change of the steps."""
    moves: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """By version: where a run that began, or last moved, with it stands among the steps of now."""
    activated_at: Mapped[datetime | None]
    """Since when it is active; what happened before sets nothing off."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change."""
    deleted_at: Mapped[datetime | None]
