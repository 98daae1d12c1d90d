"""Counters by sender, kept inside the transaction that records the event.

Written by `app.core.messages`, `app.core.tracking` and `app.core.ingest`; hours past are put together by
`app.core.retention`.

One column per metric; each event counts in the bucket of its own time. A recount of the ledger gives the same numbers.
The view `counted_hours` shows the hours of `hourly_counts` and of `closed_hours` together, in one form: an hour may
come twice, and then its numbers are to be added. `packed_counts` has those of `closed_hours` in the form in which many
are read at once, as `packed_days` and `packed_hours` have, and `closed_seconds` what parts of such an hour have.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text
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
    """Eight such numbers; readers have them from `packed_days`, where four times as many stand in a row."""


class PackedHours(Base):
    """Nine measures of one sender in the hours of a day of `closed_hours`, which triggers on that table keep: octets.

    The hours beside the days of a range are told by it, of several measures at once, and of those that are zero as fast
    as of others.
    """

    __tablename__ = "packed_hours"
    __table_args__ = (PrimaryKeyConstraint("day", "account_id", "sender_id"),)

    day: Mapped[date] = mapped_column(Date)
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    hours: Mapped[bytes] = mapped_column(LargeBinary)
    """24 numbers of four octets each, highest first, of each of these columns of `closed_hours`: `accepted`,
    `hard_bounces`, `soft_bounces`, `blocked` and its five reasons, in this order."""


class PackedDays(Base):
    """One measure of one sender in 32 days of `packed_counts`, which triggers on that table keep: octets.

    Totals and series by day of a month are made of two rows for each measure and sender. Who changes that table does so
    under retention's lock.
    """

    __tablename__ = "packed_days"
    __table_args__ = (PrimaryKeyConstraint("measure", "span", "account_id", "sender_id", postgresql_include=["days"]),)

    measure: Mapped[str] = mapped_column(Text)
    span: Mapped[int]
    """Which 32 days, counted from 1970."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    days: Mapped[bytes] = mapped_column(LargeBinary)
    """32 numbers of four octets each, highest first."""


class ClosedSeconds(Base):
    """When in an hour of `closed_hours` one measure of one sender was counted: its seconds, in rising order.

    What cuts a closed hour is told by these, to the second, without the ledger and as long as counts are kept. Triggers
    on `closed_hours` count the seconds of an hour in the ledger whenever one of its numbers changes, so an hour that is
    closed has them all; what came late stands in `hourly_counts` until then.
    """

    __tablename__ = "closed_seconds"
    __table_args__ = (PrimaryKeyConstraint("measure", "hour", "account_id", "sender_id"),)

    measure: Mapped[str] = mapped_column(Text)
    """As in `packed_counts`."""
    hour: Mapped[datetime]
    """Start of the hour."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """Of each copy or bounce the second of the hour, 0 to 3599."""


class ClosedMinutes(Base):
    """What versions before `closed_seconds` kept instead; nobody reads or writes it, and a later migration drops it."""

    __tablename__ = "closed_minutes"
    __table_args__ = (PrimaryKeyConstraint("account_id", "hour", "sender_id"),)

    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    hour: Mapped[datetime]
    accepted: Mapped[list[int]] = mapped_column(ARRAY(Integer))
