"""Imports of contacts and of suppression lists: a file is sent, a job reads it. Source: docs/contract/native.md, 7."""

from typing import Annotated, Literal, TypeVar

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pydantic import ValidationError as PydanticError

from app.api.native.auth import Writer
from app.api.native.bodies import Body
from app.api.native.ids import Id, which
from app.api.native.jobs import JobOut, accepted
from app.api.native.routing import native_router
from app.api.native.uploads import BODY_BYTES, SCHEMA, Received
from app.core import transfers
from app.core.contacts import ContactStatus
from app.core.suppressions import Reason
from app.core.transfers import ImportOptions
from app.dependencies import Write

router = native_router("", "Imports and exports")
router.max_body_size = BODY_BYTES
Options = TypeVar("Options", bound=Body)


class ImportIn(Body):
    """How a file of contacts is read."""

    mapping: Annotated[dict[str, str], Field(max_length=1000)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    create_fields: bool = False
    update_existing: bool = True
    status: Literal["subscribed", "unconfirmed", "unsubscribed"] = "subscribed"
    tags: list[str] = Field(default_factory=list, max_length=1000)


class SuppressionImportIn(Body):
    """How a suppression list is read: the reason of lines that give none."""

    reason: Literal["hardbounce", "softbounce", "complaint", "unsubscribe", "manual"] = "manual"


@router.post("/audiences/{id}/imports", status_code=202, openapi_extra=SCHEMA)
async def import_contacts(
    id: Id,
    upload: Received,
    caller: Writer,
    write: Write,
    response: Response,
) -> JobOut:
    """Import contacts from a CSV file whose first row names the columns."""
    given = _options(ImportIn, upload.options)
    options = ImportOptions(
        mapping=given.mapping,
        delimiter=given.delimiter,
        create_fields=given.create_fields,
        update_existing=given.update_existing,
        status=ContactStatus(given.status),
        tags=given.tags,
    )
    view = await transfers.import_contacts(write, caller.account_id, which(id), upload.file, options, rows=upload.rows)
    return accepted(view, response)


@router.post("/suppressions/imports", status_code=202, openapi_extra=SCHEMA)
async def import_suppressions(upload: Received, caller: Writer, write: Write, response: Response) -> JobOut:
    """Import a suppression list from a CSV file: email, reason, created_at, detail."""
    given = _options(SuppressionImportIn, upload.options)
    view = await transfers.import_suppressions(
        write, caller.account_id, upload.file, reason=Reason(given.reason), rows=upload.rows
    )
    return accepted(view, response)


def _options(kind: type[Options], raw: bytes) -> Options:
    """Return the options.

    Raises:
        RequestValidationError: They cannot be accepted.
    """
    try:
        return kind.model_validate_json(raw)
    except PydanticError as error:
        found = error.errors(include_url=False)
        raise RequestValidationError([{**one, "loc": ("body", "options", *one["loc"])} for one in found]) from None
