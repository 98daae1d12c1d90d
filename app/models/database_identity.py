"""Which database this is. Written by `app.core.campaigns`."""

from datetime import datetime

from sqlalchemy import BigInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class DatabaseIdentity(Base):
    """The server this database was last seen on; one row.

    A restored backup finds itself on another server or timeline, and then knows that schedules which are overdue may
    have been carried out after the backup was made.
    """

    __tablename__ = "database_identity"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Always 1."""
    system_identifier: Mapped[int] = mapped_column(BigInteger)
    timeline: Mapped[int]
    database_oid: Mapped[int] = mapped_column(BigInteger)
    """Differs when a dump was loaded beside the original."""
    table_oid: Mapped[int] = mapped_column(BigInteger)
    """Of the table `runs`: differs when a dump was loaded in place of the original."""
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
