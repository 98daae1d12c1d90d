"""Counters of runs. Written by `app.core.messages` and `app.core.tracking` with the events themselves."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class RunCounts(Base):
    """What became of the copies of a run; `trireme audit` compares with a recount."""

    __tablename__ = "run_counts"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    claimed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Copies made: targets that were reached."""
    delivered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Taken by a receiving server, whatever came later."""
    hard_bounces: Mapped[int] = mapped_column(BigInteger, server_default="0")
    soft_bounces: Mapped[int] = mapped_column(BigInteger, server_default="0")
    blocked: Mapped[int] = mapped_column(BigInteger, server_default="0")
    failed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cancelled: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Copies that were claimed and not sent because the run was stopped."""
    deferrals: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Attempts that ended in a deferral."""
    opens: Mapped[int] = mapped_column(BigInteger, server_default="0")
    opened: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Copies opened at least once."""
    clicks: Mapped[int] = mapped_column(BigInteger, server_default="0")
    clicked: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Copies of which at least one link was clicked."""
    complaints: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unsubscribes: Mapped[int] = mapped_column(BigInteger, server_default="0")
