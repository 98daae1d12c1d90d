"""What a run says, in versions that never change. Written by `app.core.campaigns`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, PrimaryKeyConstraint, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class RunContent(Base):
    """One version; a copy keeps the version of its first claim for good."""

    __tablename__ = "run_contents"
    __table_args__ = (PrimaryKeyConstraint("run_id", "version"),)

    run_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    subject: Mapped[str]
    preheader: Mapped[str]
    from_email: Mapped[str]
    from_name: Mapped[str]
    reply_to: Mapped[str]
    html: Mapped[str | None]
    text: Mapped[str | None]
    headers: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    """Further headers, [[name, value], ...]."""
    track_opens: Mapped[bool]
    track_clicks: Mapped[bool]
    constants: Mapped[dict[str, Any]]
    """Values of names that are the same for all: {"run": {NAME: value}, "audiences": {"<id>": {NAME: value}}}."""
    names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Fields of its audiences, which may stand as {TAG}."""
    links: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """What a click leads to, by link number from 0."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
