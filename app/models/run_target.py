"""Whom a run is for. Written by `app.core.campaigns`, read by the claims of `app.core.messages`."""

from sqlalchemy import BigInteger, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class RunTarget(Base):
    """One address of a run, fixed when sending starts; gone some time after the run has ended.

    The statement that fixes them takes an address once. An index that says so too would cost two thirds of that
    statement: addresses come in no order, contacts do.
    """

    __tablename__ = "run_targets"
    __table_args__ = (PrimaryKeyConstraint("run_id", "seq"), UniqueConstraint("run_id", "contact_id"))

    run_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    """From 1, without gaps."""
    contact_id: Mapped[int] = mapped_column(BigInteger)
    audience_id: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[str]
