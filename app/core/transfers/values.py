"""What jobs are asked for and what they tell. Pure; imports models, the front door of contacts and the core's errors.

Source: docs/contract/native.md, 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.contacts import ContactStatus, clean_tags
from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.models.job import Job, JobStatus

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 1000
"""Columns of a file."""
MAX_NAME = 1000
"""Characters of a column's name."""
ENDED = frozenset({JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, in rows; `processed` is the sum of what follows it.

    Attributes:
        total: None until it is known.
        processed: Done with, one way or the other.
        created: New.
        updated: There before, and written; of an export the rows of its result.
        skipped: Left as they were.
        failed: Bad ones.
    """

    total: int | None
    processed: int
    created: int
    updated: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class View:
    """A job as it is shown."""

    id: int
    account_id: int
    audience_id: int | None
    type: str
    status: str
    options: Mapping[str, Any]
    progress: Progress
    error: str | None
    emptied: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "View":
        """Return the view of a row."""
        progress = Progress(job.total, job.processed, job.created, job.updated, job.skipped, job.failed)
        return cls(
            id=job.id,
            account_id=job.account_id,
            audience_id=job.audience_id,
            type=job.type,
            status=job.status,
            options=job.options,
            progress=progress,
            error=job.error,
            emptied=job.emptied,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file of contacts is read.

    Attributes:
        mapping: Column names to tags; None: columns are named by tags.
        delimiter: Between values; None: found out.
        create_fields: Whether columns without a field get a text field.
        update_existing: Whether contacts that are there get values and tags.
        status: Of new contacts: subscribed, unconfirmed or unsubscribed.
        tags: Of all contacts of the file.
    """

    mapping: Mapping[str, str] | None = None
    delimiter: str | None = None
    create_fields: bool = False
    update_existing: bool = True
    status: ContactStatus = ContactStatus.SUBSCRIBED
    tags: Sequence[str] = field(default_factory=tuple)

    def checked(self) -> "ImportOptions":
        """Return the options, clean.

        Raises:
            Invalid: One cannot be accepted.
        """
        if self.delimiter is not None and self.delimiter not in DELIMITERS:
            raise Invalid([FieldFault("options.delimiter", Fault.INVALID, "must be , ; | or a tab")])
        if self.status not in {ContactStatus.SUBSCRIBED, ContactStatus.UNCONFIRMED, ContactStatus.UNSUBSCRIBED}:
            message = "must be subscribed, unconfirmed or unsubscribed"
            raise Invalid([FieldFault("options.status", Fault.INVALID, message)])
        if len(self.mapping or {}) > MAX_COLUMNS:
            raise Invalid([FieldFault("options.mapping", Fault.TOO_LONG, f"names more than {MAX_COLUMNS} columns")])
        for name, tag in (self.mapping or {}).items():
            if not all(0 < len(text) <= MAX_NAME and is_storable(text) for text in (name, tag)):
                raise Invalid([FieldFault("options.mapping", Fault.INVALID, "holds a name that can't be one")])
        try:
            tags = tuple(clean_tags(self.tags))
        except Invalid as error:
            raise Invalid([FieldFault("options.tags", one.fault, one.message) for one in error.faults]) from None
        mapping = None if self.mapping is None else {name: tag.strip().upper() for name, tag in self.mapping.items()}
        return ImportOptions(
            mapping, self.delimiter, self.create_fields, self.update_existing, ContactStatus(self.status), tags
        )

    def stored(self) -> dict[str, Any]:
        """Return what the job keeps."""
        return {
            "mapping": self.mapping,
            "delimiter": self.delimiter,
            "create_fields": self.create_fields,
            "update_existing": self.update_existing,
            "status": str(self.status),
            "tags": list(self.tags),
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "ImportOptions":
        """Return the options of a job."""
        return cls(**{**stored, "status": ContactStatus(stored["status"])})
