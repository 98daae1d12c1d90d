"""The verbs that find and count contacts by a filter. Imports audiences' front door, kit and the core's errors.

Source: docs/contract/native.md, 6 and 8; docs/contacts.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.core import audiences
from app.core.errors import Fault, FieldFault, Invalid
from app.core.segments import repository
from app.core.segments.values import ContactFilter, Definition, Sort
from app.db.unit_of_work import ReadSession
from app.models.contact import Contact

SAMPLE = 10
"""Contacts a preview shows."""
AT_ONCE = 20
"""Definitions counted in one look."""
PAGE = 1000
"""Most contacts of one page."""
Position = tuple[str | int, int]
"""Where a page ended: the sort value of its last contact (of a time microseconds since 1970) and its id."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = {Sort.CREATED_AT: "c.created_at", Sort.UPDATED_AT: "c.updated_at", Sort.EMAIL: "c.address"}


@dataclass(frozen=True, slots=True)
class Preview:
    """How many contacts a definition has, and up to ten of them, by id."""

    count: int
    sample: list[Contact]


async def select_page(
    read: ReadSession,
    account_id: int,
    audience: int | str | UUID,
    wanted: ContactFilter,
    *,
    sort: Sort = Sort.CREATED_AT,
    descending: bool = False,
    after: Position | None = None,
    limit: int = 50,
) -> list[Contact]:
    """List members of an audience that meet a filter: as fast far behind as in the beginning.

    Args:
        read: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        wanted: Which.
        sort: By what; ties by id.
        descending: The largest first.
        after: `position_of` the last contact of the page before.
        limit: How many, 1 to 1000.

    Raises:
        Invalid: A position of another order.
        NotFound: The account has no such audience.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    column, direction = _COLUMNS[sort], "DESC" if descending else "ASC"
    args: list[object] = [min(max(limit, 1), PAGE)]
    parts = {"/*order*/ c.id": f"{column} {direction}, c.id {direction}"}
    if after is not None:
        kind = "text" if sort is Sort.EMAIL else "timestamptz"
        sign = "<" if descending else ">"
        parts["/*behind*/ true"] = f"({column}, c.id) {sign} ($4::{kind}, $5::bigint)"
        args += [_value_of(sort, after), after[1]]
    rows = await repository.rows(read, "page", account_id, audience_id, *args, wanted=wanted, parts=parts)
    return await repository.contacts(read, [row.id for row in rows])


def position_of(contact: Contact, sort: Sort) -> Position:
    """Return where a page ends whose last contact this is."""
    if sort is Sort.EMAIL:
        return contact.address, contact.id
    moment = contact.created_at if sort is Sort.CREATED_AT else contact.updated_at
    return (moment - _EPOCH) // _MICROSECOND, contact.id


async def count(read: ReadSession, account_id: int, audience: int | str | UUID, wanted: ContactFilter) -> int:
    """Count the members of an audience that meet a filter; all of them, or those of a status, without looking at any.

    Raises:
        NotFound: The account has no such audience.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    if wanted.is_status_alone:
        counts = await audiences.statistics(read, account_id, audience_id)
        return counts.total if wanted.status is None else counts.of(wanted.status)
    return int((await repository.rows(read, "count", account_id, audience_id, wanted=wanted))[0].contacts)


async def counts(
    read: ReadSession, account_id: int, audience: int | str | UUID, definitions: Sequence[Definition]
) -> list[int]:
    """Count the members of an audience that each of some definitions has, many of them in one look at the audience.

    Raises:
        NotFound: The account has no such audience.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    found: list[int] = []
    for start in range(0, len(definitions), AT_ONCE):
        some = [ContactFilter(segment=one) for one in definitions[start : start + AT_ONCE]]
        found += await repository.counts(read, account_id, audience_id, some)
    return found


async def preview(read: ReadSession, account_id: int, audience: int | str | UUID, definition: Definition) -> Preview:
    """Count the contacts of a definition and show some of them, in little more than one look at the audience.

    Raises:
        NotFound: The account has no such audience.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    wanted = ContactFilter(segment=definition)
    spans = await repository.rows(read, "spread", account_id, audience_id, SAMPLE, wanted=wanted)
    if not spans:
        return Preview(0, [])
    args: Sequence[object] = ([row.span for row in spans], SAMPLE)
    rows = await repository.rows(read, "sample", account_id, audience_id, *args, wanted=wanted)
    return Preview(int(spans[0].contacts), await repository.contacts(read, [row.id for row in rows]))


def _value_of(sort: Sort, after: Position) -> object:
    """Return the sort value of a position as the statement compares it.

    Raises:
        Invalid: It is of another order.
    """
    value = after[0]
    try:
        if sort is Sort.EMAIL and isinstance(value, str):
            return value
        if sort is not Sort.EMAIL and isinstance(value, int):
            return _EPOCH + value * _MICROSECOND
    except OverflowError:
        pass
    raise Invalid([FieldFault("cursor", Fault.INVALID, "is of another order")])
