"""Counters by sender, kept inside the transaction that records the event.

Written by `app.core.messages` and `app.core.tracking`.

One column per metric; each event counts in the bucket of its own time. A recount of the ledger gives the same numbers.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


def _metric() -> Mapped[int]:
    return mapped_column(Integer, default=0, server_default="0")


class _Metrics:
    accepted: Mapped[int] = _metric()
    """Copies accepted, blocked ones included."""
    delivered: Mapped[int] = _metric()
    deferred: Mapped[int] = _metric()
    """Attempts that failed for the time being."""
    hard_bounces: Mapped[int] = _metric()
    soft_bounces: Mapped[int] = _metric()
    blocked_complaint: Mapped[int] = _metric()
    blocked_hardbounce: Mapped[int] = _metric()
    blocked_manual: Mapped[int] = _metric()
    blocked_softbounce: Mapped[int] = _metric()
    blocked_unsubscribe: Mapped[int] = _metric()
    opens: Mapped[int] = _metric()
    unique_opens: Mapped[int] = _metric()
    """First opens of copies."""
    clicks: Mapped[int] = _metric()
    unique_clicks: Mapped[int] = _metric()
    """First clicks of each link of each copy."""
    complaints: Mapped[int] = _metric()
    unsubscribes: Mapped[int] = _metric()


class HourlyCount(_Metrics, Base):
    """Counts of one sender in one hour, UTC."""

    __tablename__ = "hourly_counts"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "sender_id", "hour"),
        Index("ix_hourly_counts_hour", "account_id", "hour"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    hour: Mapped[datetime]
    """Start of the hour."""


class DailyCount(_Metrics, Base):
    """Counts of one sender on one day, UTC."""

    __tablename__ = "daily_counts"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "sender_id", "day"),
        Index("ix_daily_counts_day", "account_id", "day"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[date] = mapped_column(Date)
