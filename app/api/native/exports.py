"""Exports of contacts and of the suppression list: a job writes a file. Source: docs/contract/native.md, 7."""

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from app.api.native.auth import Writer
from app.api.native.bodies import Body
from app.api.native.contact_filters import FilterIn, filter_of
from app.api.native.ids import Id, which
from app.api.native.jobs import JobOut, accepted
from app.api.native.routing import native_router
from app.core import transfers
from app.dependencies import Write

router = native_router("", "Imports and exports")
_Columns = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(min_length=1, max_length=1000)]


class SuppressionExportIn(Body):
    """What the file looks like."""

    format: Literal["csv", "jsonl"] = "csv"
    columns: _Columns | None = None


class ExportIn(SuppressionExportIn):
    """Which contacts, and what the file looks like; without columns all that matter."""

    filter: FilterIn | None = None


@router.post("/audiences/{id}/exports", status_code=202)
async def export_contacts(
    id: Id,
    caller: Writer,
    write: Write,
    response: Response,
    body: ExportIn | None = None,
) -> JobOut:
    """Export the contacts of an audience that meet a filter."""
    given, audience = body or ExportIn(), which(id)
    wanted = await filter_of(write, caller.account_id, audience, given.filter)
    view = await transfers.export_contacts(
        write, caller.account_id, audience, wanted, form=given.format, columns=given.columns
    )
    return accepted(view, response)


@router.post("/suppressions/exports", status_code=202)
async def export_suppressions(
    caller: Writer, write: Write, response: Response, body: SuppressionExportIn | None = None
) -> JobOut:
    """Export the suppression list, oldest entry first."""
    given = body or SuppressionExportIn()
    view = await transfers.export_suppressions(write, caller.account_id, form=given.format, columns=given.columns)
    return accepted(view, response)
