"""Stored content. Written by `app.core.templates`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Template(Base):
    """Content that campaigns may use; its UUID follows from the id (`app.kit.uids`)."""

    __tablename__ = "templates"
    __table_args__ = (
        Index("ix_templates_account_id", "account_id", "id"),
        # What `app.core.finding` reads alone for the usual questions, in the order it answers in.
        Index(
            "ix_templates_found",
            "account_id",
            text("unix_seconds(created_at)"),
            text("public_uuid('template', id)"),
            postgresql_include=["id", "created_at", "updated_at", "deleted_at", "name"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_templates_uuid",
            "account_id",
            text("public_uuid('template', id)"),
            postgresql_include=["id"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_templates_name",
            "account_id",
            text("nullif(left(name, 200), '')"),  # collated "C" by the migration; Alembic cannot see that
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_templates_extra",
            text("extra_keys(account_id, extra)"),
            postgresql_using="gin",
            postgresql_where=text("extra IS NOT NULL"),
        ),
    )

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
