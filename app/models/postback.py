"""Postbacks to customers' URLs. Written by `app.core.postbacks`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class PostbackKind(StrEnum):
    """Which of an account's three URLs (docs/contract/dyn-email.md, 17)."""

    BOUNCE = "bounce"
    SPAM = "spam"
    UNSUBSCRIBE = "unsubscribe"


class Postback(Base):
    """A call to be made, or given up; a successful one is gone and has left its time with its event."""

    __tablename__ = "postbacks"
    __table_args__ = (
        Index("ix_postbacks_due", "endpoint", "due_at", "id", postgresql_where=text("given_up_at IS NULL")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    event_id: Mapped[int] = mapped_column(BigInteger)
    """The domain event it tells of."""
    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    url: Mapped[str]
    """Complete, its tokens replaced."""
    endpoint: Mapped[str]
    """scheme://host:port of the URL: what is called together is dead together."""
    due_at: Mapped[datetime]
    """Next try; a claim moves it ahead, so that a try nobody ended is made again."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Tries that have ended."""
    last_error: Mapped[str] = mapped_column(server_default="")
    given_up_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
