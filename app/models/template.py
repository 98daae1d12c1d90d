"""Stored content. Written by `app.core.templates`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Template(Base):
    """Content that campaigns may use; its UUID follows from the id (`app.kit.uids`)."""

    __tablename__ = "templates"
    __table_args__ = (Index("ix_templates_account_id", "account_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    preheader: Mapped[str] = mapped_column(server_default="")
    """Dyno calls it preview_message."""
    html: Mapped[str] = mapped_column(server_default="")
    text: Mapped[str | None]
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Members a client stored that no contract names (docs/contract/dyno.md, 4)."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change."""
    deleted_at: Mapped[datetime | None]
