"""Saved questions about the contacts of an audience. Written by `app.core.segments`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Segment(Base):
    """Some contacts of an audience, by conditions that are looked at whenever it is used (docs/contract/native.md, 8).

    Its UUID follows from the id (`app.kit.uids`).
    """

    __tablename__ = "segments"
    __table_args__ = (Index("ix_segments_audience", "audience_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    audience_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("audiences.id"))
    name: Mapped[str]
    definition: Mapped[dict[str, Any]]
    """Match and conditions, as `app.core.segments` writes them."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change."""
