"""`/jobs`: how far imports, exports and bulk actions are. Source: docs/contract/native.md, 7."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from app.api.native.auth import Reader, Writer
from app.api.native.ids import Id, uuid_of
from app.api.native.paging import DEFAULT_LIMIT, Counted, Cursor, Limit, Page, cursor_after, key_of, page_of
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import transfers
from app.core.transfers import JSONL, JobStatus, JobType, View
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, uuid

router = native_router("/jobs", "Jobs")
LOCATION = "/api/trireme/v1/jobs/"
_MEDIA = {JSONL: "application/x-ndjson"}


class ProgressOut(BaseModel):
    """Rows; `processed` is the sum of what follows it, `total` null until it is known."""

    total: int | None
    processed: int
    created: int
    updated: int
    skipped: int
    failed: int


class JobOut(BaseModel):
    """A job."""

    id: str
    type: JobType
    status: JobStatus
    progress: ProgressOut
    error: str | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None


def shown(view: View) -> JobOut:
    """Return a job as it is shown."""
    progress = view.progress
    return JobOut(
        id=str(uuid(Noun.JOB, view.id)),
        type=JobType(view.type),
        status=JobStatus(view.status),
        progress=ProgressOut(
            total=progress.total,
            processed=progress.processed,
            created=progress.created,
            updated=progress.updated,
            skipped=progress.skipped,
            failed=progress.failed,
        ),
        error=view.error,
        created_at=view.created_at,
        started_at=view.started_at,
        finished_at=view.finished_at,
    )


def accepted(view: View, response: Response) -> JobOut:
    """Return a new job, with its place."""
    out = shown(view)
    response.headers["Location"] = f"{LOCATION}{out.id}"
    return out


@router.get("")
async def list_jobs(
    caller: Reader,
    read: Read,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    *,
    type: Annotated[JobType | None, Query(description="Only these.")] = None,
    status: Annotated[JobStatus | None, Query(description="Only these.")] = None,
    sort: Annotated[Literal["created_at", "-created_at"], Query(description="`-` for the newest first.")] = (
        "created_at"
    ),
    count: Counted = False,
) -> Page[JobOut]:
    """List jobs."""
    rows = await transfers.list_before(
        read,
        caller.account_id,
        before_id=key_of(cursor),
        limit=limit + 1,
        type=type,
        status=status,
        descending=sort.startswith("-"),
    )
    total = await transfers.count(read, caller.account_id, type=type, status=status) if count else None
    return Page[JobOut].model_validate(page_of(rows, limit, lambda row: cursor_after(row.id), shown, total))


@router.get("/{id}")
async def get_job(id: Id, caller: Reader, read: Read) -> JobOut:
    """Show a job."""
    return shown(await transfers.get(read, caller.account_id, uuid_of(id)))


@router.post("/{id}/cancel")
async def cancel_job(id: Id, caller: Writer, write: Write) -> JobOut:
    """End a job where it stands: what it has done stays."""
    return shown(await transfers.cancel(write, caller.account_id, uuid_of(id)))


@router.get("/{id}/errors", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def get_errors(id: Id, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """Download the bad rows so far, the first 10,000, as CSV: line, address, reason."""
    job = await transfers.get(read, caller.account_id, uuid_of(id))
    pieces = transfers.errors(runtime.engine, job)
    return _file(pieces, f"errors-{id[:8]}.csv", "text/csv; charset=utf-8")


@router.get("/{id}/result", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def get_result(id: Id, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """Download an exported file."""
    job = await transfers.get(read, caller.account_id, uuid_of(id))
    pieces = transfers.result(runtime.engine, job)
    form = str(job.options["format"])
    return _file(pieces, f"export-{id[:8]}.{form}", _MEDIA.get(form, "text/csv; charset=utf-8"))


def _file(pieces: AsyncIterator[bytes], name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(pieces, headers=headers, media_type=media_type)
