"""Lists of contacts. Written by `app.core.audiences`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Audience(Base):
    """A list of contacts with fields of its own; Dyno calls it a list.

    Its uid and UUID follow from the id (`app.kit.uids`).
    """

    __tablename__ = "audiences"
    __table_args__ = (
        Index("ix_audiences_account", "account_id", "id", postgresql_include=["deleted_at"]),
        # What `app.core.finding` reads alone for the usual questions, in the order it answers in.
        Index(
            "ix_audiences_found",
            "account_id",
            text("unix_seconds(created_at)"),
            text("public_uuid('audience', id)"),
            postgresql_include=["id", "created_at", "updated_at", "deleted_at", "name"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_audiences_uuid",
            "account_id",
            text("public_uuid('audience', id)"),
            postgresql_include=["id"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_audiences_name",
            "account_id",
            text("nullif(left(name, 200), '')"),  # collated "C" by the migration; Alembic cannot see that
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_audiences_extra",
            text("extra_keys(account_id, extra)"),
            postgresql_using="gin",
            postgresql_where=text("extra IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    from_email: Mapped[str | None]
    from_name: Mapped[str | None]
    default_subject: Mapped[str | None]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Double opt-in, welcome mail, redirects: docs/contract/native.md, 5; what is missing is off or null."""
    contact_information: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Company, address_1, ...: docs/contract/dynosend.md, 6.2; what is missing is null."""
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Members a client stored that no contract names (docs/contract/dyno.md, 4)."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change."""
    deleted_at: Mapped[datetime | None]
