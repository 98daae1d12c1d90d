"""The pace of an account's campaigns. Written by `app.core.campaigns`; claims move `next_chunk_at`."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AccountPace(Base):
    """Most campaign copies an hour of all runs of an account together; no row: no limit."""

    __tablename__ = "account_paces"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    account_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    per_hour: Mapped[int]
    next_chunk_at: Mapped[datetime | None]
    """Before this no further campaign copy may be claimed."""
