"""Accounts: admins, masters and their sub-accounts. Written by `app.core.accounts`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.db.base import Base
from app.kit.ids import uuid7


class Role(StrEnum):
    """What an account may do."""

    ADMIN = "admin"
    """Operates the server; a master besides."""
    MASTER = "master"
    """Has sub-accounts."""
    SUB = "sub"
    """Belongs to a master."""


class AccountStatus(StrEnum):
    """Whether an account's keys work."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Account(Base):
    """One tenant: its own senders, suppression list, X-header names, keys and records."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index(
            "uq_accounts_username",
            func.lower(text("username")),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_accounts_parent_id", "parent_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    """The integer `user_id` of the foreign families."""
    public_id: Mapped[UUID] = mapped_column(unique=True, default=uuid7)
    """The UUID of the native API and of Dyno."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    """The master of a sub-account."""
    role: Mapped[str]
    status: Mapped[str] = mapped_column(default=AccountStatus.ACTIVE, server_default="active")
    revision: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
    """Raised with every change of the account, its keys or its senders, so that a cached copy is known to be stale."""
    username: Mapped[str]
    password_hash: Mapped[str]
    account_name: Mapped[str]
    company_name: Mapped[str] = mapped_column(default="", server_default="")
    contact_name: Mapped[str] = mapped_column(default="", server_default="")
    address: Mapped[str] = mapped_column(default="", server_default="")
    city: Mapped[str] = mapped_column(default="", server_default="")
    state: Mapped[str] = mapped_column(default="", server_default="")
    zip_code: Mapped[str] = mapped_column(default="", server_default="")
    country: Mapped[str] = mapped_column(default="", server_default="")
    phone: Mapped[str] = mapped_column(default="", server_default="")
    utc_offset_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    """Offset the classic API sets and shows; that of the zone's standard time when there is a zone."""
    time_zone: Mapped[str | None]
    """Name of the IANA database; None = the offset alone is known."""
    monthly_cap: Mapped[int | None] = mapped_column(BigInteger)
    """Copies per calendar month (UTC), sub-accounts included for a master; None = the setting's default."""
    test_mode: Mapped[bool] = mapped_column(default=False, server_default="false")
    track_opens: Mapped[bool] = mapped_column(default=False, server_default="false")
    track_links: Mapped[bool] = mapped_column(default=False, server_default="false")
    track_unsubscribes: Mapped[bool] = mapped_column(default=False, server_default="false")
    tracking_domain: Mapped[str | None]
    """Host of its links, instead of that of the installation."""
    bounce_url: Mapped[str | None]
    bounce_url_active: Mapped[bool] = mapped_column(default=False, server_default="false")
    complaint_url: Mapped[str | None]
    complaint_url_active: Mapped[bool] = mapped_column(default=False, server_default="false")
    unsubscribe_url: Mapped[str | None]
    unsubscribe_url_active: Mapped[bool] = mapped_column(default=False, server_default="false")
    x_headers: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=lambda: ["", "", "", ""], server_default=text('\'{"","","",""}\'')
    )
    """Four slots of X-header names that are remembered with a message; "" = not set."""
    told_events: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    """Events that are written to the outbox for its webhooks alone, by type; kept by `app.core.webhooks`."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
