"""Counters by sender, kept inside the transaction that records the event.

Written by `app.core.messages`, `app.core.tracking` and `app.core.ingest`; hours past are put together by
`app.core.retention`.

One column per metric; each event counts in the bucket of its own time. A recount of the ledger gives the same numbers.
The view `counted_hours` shows the hours of `hourly_counts` and of `closed_hours` together, in one form: an hour may
come twice, and then its numbers are to be added. `packed_counts` has those of `closed_hours` in the form in which many
are read at once.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, LargeBinary, PrimaryKeyConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY
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
    """Counts of one sender in one hour, UTC, which are not yet in `closed_hours`."""

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


def _hours() -> Mapped[list[int] | None]:
    return mapped_column(ARRAY(Integer))


class ClosedHours(Base):
    """Counts of one sender in the 24 hours of one day, UTC: 24 numbers, or null when all are zero.

    Hours are put here some time after they are over.

    A series of hours over a month is some 30 rows per sender and not 720. What comes late, as taken over history does,
    stands in `hourly_counts` until it is added here.
    """

    __tablename__ = "closed_hours"
    __table_args__ = (PrimaryKeyConstraint("account_id", "day", "sender_id"),)

    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[date] = mapped_column(Date)
    accepted: Mapped[list[int] | None] = _hours()
    delivered: Mapped[list[int] | None] = _hours()
    deferred: Mapped[list[int] | None] = _hours()
    hard_bounces: Mapped[list[int] | None] = _hours()
    soft_bounces: Mapped[list[int] | None] = _hours()
    blocked: Mapped[list[int] | None] = _hours()
    """The sum of the five below, which an array does not give as easily as a number."""
    blocked_complaint: Mapped[list[int] | None] = _hours()
    blocked_hardbounce: Mapped[list[int] | None] = _hours()
    blocked_manual: Mapped[list[int] | None] = _hours()
    blocked_softbounce: Mapped[list[int] | None] = _hours()
    blocked_unsubscribe: Mapped[list[int] | None] = _hours()
    opens: Mapped[list[int] | None] = _hours()
    unique_opens: Mapped[list[int] | None] = _hours()
    clicks: Mapped[list[int] | None] = _hours()
    unique_clicks: Mapped[list[int] | None] = _hours()
    complaints: Mapped[list[int] | None] = _hours()
    unsubscribes: Mapped[list[int] | None] = _hours()


class PackedCounts(Base):
    """One measure of one sender in eight days of `closed_hours`, which triggers on that table keep: octets.

    A series is made of few rows, and numbers of an array would be sent one by one. What is zero throughout is not here.
    A change packs all eight days anew, as its own statement sees them: who changes `closed_hours` does so alone, under
    retention's lock, or one of two changes of neighbouring days would be lost here.
    """

    __tablename__ = "packed_counts"
    __table_args__ = (PrimaryKeyConstraint("measure", "span", "account_id", "sender_id", postgresql_include=["days"]),)

    measure: Mapped[str] = mapped_column(Text)
    """Name of the column there, without opens and what follows them."""
    span: Mapped[int]
    """Which eight days, counted from 1970."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    hours: Mapped[bytes] = mapped_column(LargeBinary)
    """192 numbers of four octets each, highest first."""
    days: Mapped[bytes] = mapped_column(LargeBinary)
    """Eight such numbers."""


class ClosedMinutes(Base):
    """Accepted copies of one sender in the 60 minutes of a busy hour that is over, counted from the ledger.

    What cuts such an hour reads no more than a minute of it. Rows are there for all senders of an account or for none;
    while something that came late stands in `hourly_counts` for that hour, they are out of date.
    """

    __tablename__ = "closed_minutes"
    __table_args__ = (PrimaryKeyConstraint("account_id", "hour", "sender_id"),)

    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    hour: Mapped[datetime]
    """Start of the hour."""
    accepted: Mapped[list[int]] = mapped_column(ARRAY(Integer))
