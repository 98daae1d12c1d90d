"""Contacts on their way through automations, and what is counted of them. Written by `app.core.automations`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AutomationRunStatus(StrEnum):
    """How far a contact is."""

    ACTIVE = "active"
    FINISHED = "finished"
    """It went through all steps."""
    STOPPED = "stopped"
    """It left before the end; the reason says why."""


class AutomationRun(Base):
    """One contact in one automation: where it stands, and when it is to move on. No foreign keys, as contacts.

    The row is the timer. Whoever moves a run on holds it and writes what the step does in the same transaction.
    """

    __tablename__ = "automation_runs"
    __table_args__ = (
        # Holds "once per contact" whoever asks at the same time.
        UniqueConstraint("automation_id", "contact_id", "turn"),
        Index(
            "uq_automation_runs_active",
            "automation_id",
            "contact_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_automation_runs_due", "automation_id", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_automation_runs_listed", "automation_id", "id"),
        Index("ix_automation_runs_contact", "contact_id", "id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_automation_runs_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    automation_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int] = mapped_column(BigInteger)
    contact_id: Mapped[int] = mapped_column(BigInteger)
    turn: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """0 where a contact enters once; else the event that let it in."""
    status: Mapped[str] = mapped_column(server_default="active")
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it stopped."""
    position: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """The step it does next, from 0."""
    version: Mapped[int]
    """Of the steps that the position is about."""
    due_at: Mapped[datetime | None]
    """When it does that; null once it has ended."""
    has_left: Mapped[bool] = mapped_column(server_default="false")
    """Whether a step of its own unsubscribed the contact: no further mail."""
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """How often the step could not be done."""
    failing_since: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(server_default="")
    """Why the step could not be done yet."""
    sent: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """By number of the step: the copy that was sent, as its id and the Unix second of its acceptance."""
    entered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class AutomationEntrant(Base):
    """A contact that has been in an automation and whose run was deleted since (`retention.automation_run_days`)."""

    __tablename__ = "automation_entrants"
    __table_args__ = (PrimaryKeyConstraint("automation_id", "contact_id"),)

    automation_id: Mapped[int] = mapped_column(BigInteger)
    contact_id: Mapped[int] = mapped_column(BigInteger)


class AutomationTally(Base):
    """What one transaction added to the counts of an automation; the sum of all is its counts."""

    __tablename__ = "automation_tallies"
    __table_args__ = (PrimaryKeyConstraint("automation_id", "id"),)

    automation_id: Mapped[int] = mapped_column(BigInteger)
    id: Mapped[int] = mapped_column(BigInteger, Identity())
    entered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    finished: Mapped[int] = mapped_column(BigInteger, server_default="0")
    stopped: Mapped[int] = mapped_column(BigInteger, server_default="0")
