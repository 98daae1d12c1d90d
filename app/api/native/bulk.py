"""One change for many contacts, as a job. Source: docs/contract/native.md, 6."""

from fastapi import Response
from pydantic import Field

from app.api.native.auth import Writer
from app.api.native.bodies import Body
from app.api.native.contact_filters import FilterIn, filter_of
from app.api.native.ids import Id, which
from app.api.native.jobs import JobOut, accepted
from app.api.native.routing import native_router
from app.core import transfers
from app.core.transfers import Action
from app.dependencies import Write

router = native_router("/audiences/{id}/contacts", "Contacts")


class BulkIn(Body):
    """What is done, and with whom; without a filter with all contacts of the audience."""

    action: Action = Field(strict=False)
    tags: list[str] = Field(default_factory=list, max_length=1000)
    filter: FilterIn | None = None


@router.post("/bulk", status_code=202)
async def change_contacts(id: Id, body: BulkIn, caller: Writer, write: Write, response: Response) -> JobOut:
    """Change all contacts of an audience that meet a filter."""
    audience = which(id)
    wanted = await filter_of(write, caller.account_id, audience, body.filter)
    view = await transfers.change_contacts(write, caller.account_id, audience, wanted, body.action, tags=body.tags)
    return accepted(view, response)
