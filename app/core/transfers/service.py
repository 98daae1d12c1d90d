"""The verbs on jobs. Uses this package's siblings; imports front doors below, kit and the core's errors.

Every verb takes the account first; a job of another account is an unknown one.

Source: docs/contract/native.md, 6 and 7.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences
from app.core.audiences import EMAIL
from app.core.contacts import clean_tags
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound, Overloaded
from app.core.jobs import RunTransfer
from app.core.segments import ContactFilter
from app.core.suppressions import Reason
from app.core.transfers import chunks, exporting, filters
from app.core.transfers.bulk import Action
from app.core.transfers.exporting import CSV, FORMATS, SUPPRESSION_COLUMNS
from app.core.transfers.running import sql
from app.core.transfers.values import ENDED, ImportOptions, View
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.job import Job, JobStatus, JobType
from app.models.job_chunk import ChunkKind

MAX_OPEN = 20
"""Jobs of one account that have not ended."""
MAX_FILE = 200 * 1024 * 1024
"""Octets of an uploaded file."""


async def import_contacts(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    file: BinaryIO,
    options: ImportOptions,
    *,
    rows: int | None = None,
) -> View:
    """Ask for the import of a file into an audience.

    Args:
        write: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        file: CSV, read from its beginning; at most 200 MB.
        options: How it is read.
        rows: How many it has, where that is known.

    Raises:
        Invalid: An option cannot be accepted.
        NotFound: The account has no such audience.
        Overloaded: The account has twenty open jobs.
    """
    audience_id = (await audiences.get(write, account_id, audience)).id
    clean = options.checked()
    if not clean.create_fields:
        known = {EMAIL, *(await audiences.field_set(write, account_id, audience_id)).types}
        unknown = [tag for tag in (clean.mapping or {}).values() if tag not in known]
        if unknown:
            message = f"names a field the audience does not have: {unknown[0][:100]}"
            raise Invalid([FieldFault("options.mapping", Fault.UNKNOWN, message)])
    job = await _made(write, account_id, JobType.CONTACT_IMPORT, clean.stored(), audience_id=audience_id, total=rows)
    await chunks.store(write, job.id, file)
    return View.of(job)


async def import_suppressions(
    write: WriteSession,
    account_id: int,
    file: BinaryIO,
    *,
    reason: Reason = Reason.MANUAL,
    rows: int | None = None,
) -> View:
    """Ask for the import of a file into the account's suppression list; `reason` is for lines that give none.

    Raises:
        Overloaded: The account has twenty open jobs.
    """
    job = await _made(write, account_id, JobType.SUPPRESSION_IMPORT, {"reason": str(reason)}, total=rows)
    await chunks.store(write, job.id, file)
    return View.of(job)


async def export_contacts(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    wanted: ContactFilter,
    *,
    form: str = CSV,
    columns: Sequence[str] | None = None,
) -> View:
    """Ask for the export of the members of an audience that meet a filter, by id.

    Args:
        write: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        wanted: Which.
        form: csv or jsonl.
        columns: Members of a contact in lower case, and tags of fields; None: all that matter.

    Raises:
        Invalid: A format or a column that is none.
        NotFound: The account has no such audience.
        Overloaded: The account has twenty open jobs.
    """
    audience_id = (await audiences.get(write, account_id, audience)).id
    tags = list((await audiences.field_set(write, account_id, audience_id)).types)
    chosen, unknown = exporting.contact_columns(columns, tags)
    _check_export(form, chosen, unknown)
    options = {"format": form, "columns": chosen, "filter": filters.stored(wanted)}
    return View.of(await _made(write, account_id, JobType.CONTACT_EXPORT, options, audience_id=audience_id))


async def export_suppressions(
    write: WriteSession, account_id: int, *, form: str = CSV, columns: Sequence[str] | None = None
) -> View:
    """Ask for the export of the account's suppression list, oldest entry first.

    Raises:
        Invalid: A format or a column that is none.
        Overloaded: The account has twenty open jobs.
    """
    chosen = list(dict.fromkeys(SUPPRESSION_COLUMNS[:3] if columns is None else columns))
    _check_export(form, chosen, [name for name in chosen if name not in SUPPRESSION_COLUMNS])
    return View.of(await _made(write, account_id, JobType.SUPPRESSION_EXPORT, {"format": form, "columns": chosen}))


async def change_contacts(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    wanted: ContactFilter,
    action: Action,
    *,
    tags: Sequence[str] = (),
) -> View:
    """Ask for a change of all members of an audience that meet a filter when the job comes to them.

    Raises:
        Invalid: A tag cannot be accepted, none is given where some are needed, or one where none is.
        NotFound: The account has no such audience.
        Overloaded: The account has twenty open jobs.
    """
    audience_id = (await audiences.get(write, account_id, audience)).id
    needs_tags = action in {Action.ADD_TAGS, Action.REMOVE_TAGS}
    clean = clean_tags(tags)
    if needs_tags and not clean:
        raise Invalid([FieldFault("tags", Fault.REQUIRED, "is required")])
    if clean and not needs_tags:
        raise Invalid([FieldFault("tags", Fault.UNKNOWN, f"is not for {action}")])
    options = {"action": str(action), "tags": clean, "filter": filters.stored(wanted)}
    return View.of(await _made(write, account_id, JobType.CONTACT_BULK, options, audience_id=audience_id))


async def get(read: ReadSession, account_id: int, which: int | str | UUID) -> View:
    """Return a job by its id, uid or UUID.

    Raises:
        NotFound: The account has no such job.
    """
    return View.of(await _found(read, account_id, which))


async def list_before(
    read: ReadSession,
    account_id: int,
    *,
    before_id: int | None = None,
    limit: int = 50,
    type: JobType | None = None,  # noqa: A002 the contract's word
    status: JobStatus | None = None,
    descending: bool = True,
) -> list[View]:
    """List jobs by id, behind the one of `before_id`; the newest first, unless told otherwise."""
    conditions: list[ColumnElement[bool]] = [Job.account_id == account_id]
    if before_id is not None:
        conditions.append(Job.id < before_id if descending else Job.id > before_id)
    if type is not None:
        conditions.append(Job.type == str(type))
    if status is not None:
        conditions.append(Job.status == str(status))
    query = select(Job).where(*conditions).order_by(Job.id.desc() if descending else Job.id).limit(limit)
    return [View.of(job) for job in (await read.execute(query)).scalars()]


async def count(
    read: ReadSession,
    account_id: int,
    *,
    type: JobType | None = None,  # noqa: A002 the contract's word
    status: JobStatus | None = None,
) -> int:
    """Count the jobs of an account."""
    query = select(func.count()).select_from(Job).where(Job.account_id == account_id)
    if type is not None:
        query = query.where(Job.type == str(type))
    if status is not None:
        query = query.where(Job.status == str(status))
    return int((await read.execute(query)).scalar_one())


async def cancel(write: WriteSession, account_id: int, which: int | str | UUID) -> View:
    """End a job where it stands: what its batches have done stays, and no further one commits.

    Raises:
        Conflict: It has ended.
        NotFound: The account has no such job.
    """
    job = await _found(write, account_id, which)
    if not await sql.rows(write, "finish", job.id, None, JobStatus.CANCELLED.value, None):
        await write.refresh(job)
        raise Conflict("the job has ended", state=job.status)
    await write.refresh(job)
    return View.of(job)


async def errors(engine: AsyncEngine, job: View) -> AsyncIterator[bytes]:
    """Yield the bad rows of a job so far as CSV in pieces: line, address, reason.

    No transaction is open between two pieces: who takes them may be slow.
    """
    yield chunks.ERRORS_HEADER
    async for data in chunks.stream(engine, job.id, ChunkKind.ERRORS):
        yield data


def result(engine: AsyncEngine, job: View) -> AsyncIterator[bytes]:
    """Return the file of an export in pieces.

    Raises:
        NotFound: It is no export, is not done, or was done more than a week ago.
    """
    if "format" not in job.options or job.status != JobStatus.DONE or job.emptied:
        raise NotFound("there is no result")
    return chunks.stream(engine, job.id, ChunkKind.RESULT)


def has_ended(view: View) -> bool:
    """Tell whether a job has ended."""
    return JobStatus(view.status) in ENDED


def _check_export(form: str, columns: Sequence[str], unknown: Sequence[str]) -> None:
    """Accept a format and columns.

    Raises:
        Invalid: One of them is none.
    """
    if form not in FORMATS:
        raise Invalid([FieldFault("format", Fault.INVALID, "must be csv or jsonl")])
    if unknown or not columns:
        name = f": {unknown[0][:100]}" if unknown else ""
        raise Invalid([FieldFault("columns", Fault.UNKNOWN, f"names what is no column{name}")])


async def _made(
    write: WriteSession,
    account_id: int,
    type_: JobType,
    options: Mapping[str, Any],
    *,
    audience_id: int | None = None,
    total: int | None = None,
) -> Job:
    """Return a new job, to be run after the commit.

    Raises:
        Overloaded: The account has as many as it may.
    """
    open_ = (
        select(func.count())
        .select_from(Job)
        .where(Job.account_id == account_id, Job.status.in_([JobStatus.QUEUED, JobStatus.RUNNING]))
    )
    if (await write.execute(open_)).scalar_one() >= MAX_OPEN:
        raise Overloaded(f"{MAX_OPEN} jobs of the account have not ended", retry_after_seconds=60)
    job = Job(account_id=account_id, audience_id=audience_id, type=str(type_), options=dict(options), total=total)
    write.add(job)
    await write.flush()
    await write.refresh(job)
    write.enqueue(RunTransfer(job.id))
    return job


async def _found(read: ReadSession, account_id: int, which: int | str | UUID) -> Job:
    """Return the row.

    Raises:
        NotFound: There is none.
    """
    number = number_of(Noun.JOB, which)
    query = select(Job).where(Job.id == number, Job.account_id == account_id)
    job = (await read.execute(query.execution_options(populate_existing=True))).scalar_one_or_none() if number else None
    if job is None:
        raise NotFound("no such job")
    return job
