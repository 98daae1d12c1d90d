"""Refused sends. Written by `app.core.messages`; taken over from elsewhere by `app.core.ingest`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class IssueType(StrEnum):
    """Why a send, or one recipient of it, was refused (docs/contract/dyn-email.md, 7)."""

    UNAPPROVED_SENDER = "unapprovedsender"
    INVALID_RECIPIENT = "invalidrecipient"
    TOO_MANY_RECIPIENTS = "toomanyrecipients"
    LIMIT_REACHED = "limitreached"
    TOO_LARGE = "toolarge"
    INVALID_MESSAGE = "invalidmessage"
    REFUSED = "refused"


class Issue(Base):
    """One refusal."""

    __tablename__ = "issues"
    __table_args__ = (Index("ix_issues_account", "account_id", "occurred_at", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    issue_type: Mapped[str]
    address: Mapped[str]
    """The offending address, or the first recipient."""
    sender: Mapped[str]
    """The From address as given."""
    description: Mapped[str]
    """The refusal's text."""
    x_headers: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
