"""What each copy and each of its links brought in all. Written by `app.core.tracking` with the events themselves."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Engagement(Base):
    """Opens and clicks of one copy: its first ones make the unique events, exactly once."""

    __tablename__ = "engagements"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at"),
        Index(
            "ix_engagements_opened",
            "account_id",
            "opened_at",
            "message_id",
            postgresql_where=text("opened_at IS NOT NULL"),
        ),
        Index("ix_engagements_run", "run_id", "message_id", postgresql_where=text("run_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    opens: Mapped[int] = mapped_column(server_default="0")
    clicks: Mapped[int] = mapped_column(server_default="0")
    opened_at: Mapped[datetime | None]
    """First open."""
    clicked_at: Mapped[datetime | None]
    """First click."""
    open_ip: Mapped[str] = mapped_column(server_default="")
    """Of the first open."""


class LinkClick(Base):
    """Clicks of one link of one copy."""

    __tablename__ = "link_clicks"
    __table_args__ = (
        PrimaryKeyConstraint("message_id", "accepted_at", "link"),
        Index("ix_link_clicks_account", "account_id", "clicked_at", "message_id", "link"),
        Index("ix_link_clicks_run", "run_id", "link", postgresql_where=text("run_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime]
    """Partition of the copy."""
    link: Mapped[int]
    """Number of the link in its content, from 0."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    url: Mapped[str]
    """Where the first click led."""
    clicks: Mapped[int]
    clicked_at: Mapped[datetime]
    """First click."""
    ip: Mapped[str]
    """Of the first click."""
