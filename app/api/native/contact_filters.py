"""Which contacts are meant, as bodies say it: the filters of lists, and a segment. Source: docs/contract/native.md, 6.

May import the core's front doors.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.api.native.bodies import Body
from app.api.native.ids import uuid_of
from app.api.native.times import Moment
from app.core import segments
from app.core.contacts import ContactStatus, address_of
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.core.segments import ContactFilter
from app.db.unit_of_work import ReadSession

_Text = Annotated[str, Field(min_length=1, max_length=1000)]


class FilterIn(Body):
    """Members of an audience that meet everything that is given; without anything all of them."""

    status: Literal["subscribed", "unconfirmed", "unsubscribed", "blacklisted", "spam-reported"] | None = None
    tag: _Text | None = None
    email: _Text | None = None
    q: _Text | None = None
    segment_id: _Text | None = None
    source: _Text | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None


async def filter_of(read: ReadSession, account_id: int, audience: str | UUID, given: FilterIn | None) -> ContactFilter:
    """Return a filter as the core takes it.

    Raises:
        Invalid: An address that is none, or a segment the audience does not have.
        NotFound: The account has no such audience.
    """
    given = given or FilterIn()
    definition = None
    if given.segment_id is not None:
        try:
            segment = await segments.get(read, account_id, audience, uuid_of(given.segment_id))
        except NotFound:
            fault = FieldFault("filter.segment_id", Fault.NOT_FOUND, "is not a segment of the audience")
            raise Invalid([fault]) from None
        definition = segments.definition(segment)
    return ContactFilter(
        status=ContactStatus(given.status) if given.status else None,
        tag=given.tag.strip() if given.tag else None,
        email=address_of(given.email, "filter.email") if given.email else None,
        q=given.q.strip() if given.q else None,
        segment=definition,
        source=given.source,
        created_after=given.created_after,
        created_before=given.created_before,
    )
