"""Calls to URLs that steps of automations ask for. Written by `app.core.automations`."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AutomationCall(Base):
    """A call that is to be made; one that has succeeded or was given up is gone."""

    __tablename__ = "automation_calls"
    __table_args__ = (
        Index("ix_automation_calls_due", "endpoint", "due_at", "id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    automation_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int] = mapped_column(BigInteger)
    contact_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    """The same on every try, so that a receiver knows a repetition."""
    url: Mapped[str]
    endpoint: Mapped[str]
    """scheme://host:port of the URL: what is called together is dead together."""
    body: Mapped[str]
    """JSON."""
    due_at: Mapped[datetime]
    """Next try; a claim moves it ahead, so that a try nobody ended is made again."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    last_error: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
