"""Runs of campaigns: states, schedule, progress.

Written by `app.core.campaigns`; the claims of `app.core.messages` move `next_seq` and `next_chunk_at`.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class RunState(StrEnum):
    """Where a run stands (docs/contract/native.md, 10)."""

    DRAFT = "draft"
    """Dormant: its schedule was cancelled, and may be set again."""
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    """About to send: whom it is for is being fixed."""
    SENDING = "sending"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class Run(Base):
    """One sending of a campaign; Dyno calls it a process. Its uid and UUID follow from the id (`app.kit.uids`)."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_campaign_id", "campaign_id", "id"),
        Index("ix_runs_state", "account_id", "state", "id"),
        Index("ix_runs_start_at", "start_at", postgresql_where=text("state = 'scheduled'")),
        Index("ix_runs_active", "account_id", "id", postgresql_where=text("state IN ('queued', 'sending')")),
        Index(
            "ix_runs_unsettled", "id", postgresql_where=text("state IN ('stopped', 'done', 'failed') AND NOT settled")
        ),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("campaigns.id"))
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    sender_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    subject: Mapped[str | None]
    """Override of this run alone, like the next three; null: the campaign's."""
    from_name: Mapped[str | None]
    from_email: Mapped[str | None]
    preheader: Mapped[str | None]
    start_at: Mapped[datetime | None]
    """When it is to start; null: at once."""
    local_start: Mapped[str | None]
    """The same as it was given: local time, yyyy-MM-ddTHH:mm:ss."""
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    epoch: Mapped[int] = mapped_column(server_default="1")
    """Raised by each pause, stop and resume: what was claimed under an older one must not begin any more."""
    content_version: Mapped[int] = mapped_column(server_default="0")
    """Newest of its `run_contents`; a copy is bound to it when it is claimed for the first time."""
    content_size: Mapped[int] = mapped_column(server_default="0")
    """Octets of a copy, near enough."""
    next_seq: Mapped[int] = mapped_column(BigInteger, server_default="1")
    """The first target nobody has claimed yet."""
    total: Mapped[int | None] = mapped_column(BigInteger)
    """Targets; fixed when sending starts, null before."""
    unreached: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Targets that were never claimed because it was stopped."""
    per_hour: Mapped[int | None]
    """Pace: most copies an hour, null for no limit."""
    next_chunk_at: Mapped[datetime | None]
    """With a pace: before this no further copy may be claimed."""
    settled: Mapped[bool] = mapped_column(server_default="false")
    """Whether it has ended, nothing of it waits anywhere and its targets are gone."""
    error: Mapped[str | None]
    """Why it is paused by the platform, or has failed."""
    started_at: Mapped[datetime | None]
    """When sending began."""
    finished_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change by a person."""
