"""The sandbox inbox. Written by `app.core.sandbox`."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.db.base import Base


class SandboxMessage(Base):
    """One mail as the sandbox's SMTP server got it."""

    __tablename__ = "sandbox_messages"
    __table_args__ = (Index("ix_sandbox_messages_account", "account_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    """The account whose copy it is; None when the return path is not ours."""
    email_id: Mapped[str] = mapped_column(default="", server_default="")
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    envelope_from: Mapped[str]
    recipients: Mapped[list[str]] = mapped_column(ARRAY(Text))
    from_header: Mapped[str]
    subject: Mapped[str]
    """Decoded."""
    size: Mapped[int]
    """Bytes of `raw`."""
    raw: Mapped[bytes]
