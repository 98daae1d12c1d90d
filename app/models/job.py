"""Long work of an account. Written by `app.core.transfers`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class JobType(StrEnum):
    """What is done (docs/contract/native.md, 7)."""

    CONTACT_IMPORT = "contact_import"
    CONTACT_EXPORT = "contact_export"
    CONTACT_BULK = "contact_bulk"
    SUPPRESSION_IMPORT = "suppression_import"
    SUPPRESSION_EXPORT = "suppression_export"


class JobStatus(StrEnum):
    """How far it is; the last three are for good."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Base):
    """An import, an export or a bulk action.

    Each batch commits together with `position` and the counts, so whoever goes on begins exactly where the last batch
    ended. What was uploaded, the result and the bad lines are rows of `job_chunks`.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_account", "account_id", "id"),
        Index("ix_jobs_open", "id", postgresql_where=text("status IN ('queued', 'running')")),
        Index("ix_jobs_files", "finished_at", postgresql_where=text("NOT emptied")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    audience_id: Mapped[int | None] = mapped_column(BigInteger)
    """Of what concerns contacts."""
    type: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="queued")
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """What was asked for, checked."""
    position: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Where the next batch begins; its form is the type's own."""
    total: Mapped[int | None] = mapped_column(BigInteger)
    """Rows, once known."""
    processed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Always created + updated + skipped + failed."""
    created: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    skipped: Mapped[int] = mapped_column(BigInteger, server_default="0")
    failed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    told: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Of the failed rows those that the list of errors tells of; it is bounded."""
    error: Mapped[str | None]
    """Why it failed."""
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often it was taken up since its last progress."""
    lease_token: Mapped[str | None]
    """Of the worker that has it; a batch of any other is refused."""
    lease_until: Mapped[datetime | None]
    """When another may take it although its worker seems to live; without a lease at once."""
    emptied: Mapped[bool] = mapped_column(server_default="false")
    """Whether its file, result and errors are gone."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
