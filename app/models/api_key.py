"""API keys. Written by `app.core.accounts`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.db.base import Base
from app.kit.ids import uuid7


class Scope(StrEnum):
    """What a key opens (docs/contract/native.md, 1)."""

    READ = "read"
    SEND = "send"
    WRITE = "write"
    """Includes `read` and `send`."""
    ADMIN = "admin"


class ApiKey(Base):
    """A key: looked up by digest; the primary key is also kept encrypted, so that it can be listed."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(
            "uq_api_keys_primary", "account_id", unique=True, postgresql_where=text("is_primary AND revoked_at IS NULL")
        ),
        Index("ix_api_keys_account_id", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(default="", server_default="")
    digest: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the key."""
    sealed: Mapped[bytes | None]
    """The key itself under the secret keys; primary keys only."""
    prefix: Mapped[str]
    """First six characters, to tell keys apart."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_primary: Mapped[bool] = mapped_column(default=False, server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    """To the minute."""
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
