"""What all reports have in common: range, filters and page, and the parts that many items share.

May import the parameters, dates and errors of this family, `app.mail.addresses`, and the front door of reports.

Source: docs/contract/dyn-email.md, 11.1.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import MINYEAR, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.dates import iso
from app.api.dyn.envelope import ok
from app.api.dyn.errors import Problems
from app.api.dyn.params import Params
from app.api.dyn.scalars import read_range, read_start_index
from app.core.reports import Filters
from app.mail.addresses import InvalidAddress, parse_mailbox

AHEAD = timedelta(minutes=1)
"""How far a range without an end reaches beyond now: clocks differ, and what was just recorded is seen at once."""
_DECEMBER = 12

XHeaders = dict[str, str] | None


def read_filters(params: Params, problems: Problems, now: datetime, names: Sequence[str]) -> Filters:
    """Return what is asked for; notes dates that are none.

    Args:
        params: Of the request.
        problems: Takes the notes.
        now: End of a range without one; a range without a start begins a month before its end.
        names: The account's X-headers, as they are spelled.
    """
    spelled = {name.lower(): name for name in names}
    start, end = read_range(params, problems)
    if start is None:
        start = month_before(end or now)
    return Filters(
        start,
        end or now + AHEAD,
        sender=_address(params.text("sender")),
        recipient=_address(params.entry("emailaddress") or params.entry("recipient")),
        domain=_domain(_text(params, "domain")),
        x_headers=tuple((spelled.get(name.lower(), name), value) for name, value in params.x_fields()),
    )


def read_page(params: Params, problems: Problems, now: datetime, names: Sequence[str]) -> tuple[Filters, int]:
    """Return the same for a list, and the rows to leave out at its beginning; notes a bad start index as well."""
    return read_filters(params, problems, now, names), read_start_index(params, problems)


def counted(request: Request, count: int, **others: int) -> Response:
    """Return the answer of a count; numbers are text.

    Args:
        request: Names the format.
        count: What the list would hold.
        others: Further counts, in their order.
    """
    return ok(request, {"count": str(count), **{name: str(number) for name, number in others.items()}})


def listed(request: Request, key: str, items: Sequence[dict[str, object]]) -> Response:
    """Return the answer of a list."""
    return ok(request, {key: list(items)})


def x_headers_out(x_headers: XHeaders, names: Sequence[str]) -> dict[str, str] | list[str]:
    """Return the X-headers of an item: an object, or an empty list when there are none.

    Args:
        x_headers: As they were stored, in the spelling that was configured then; the database keeps no order.
        names: The account's slots; those names come first, in the order of the slots.
    """
    if not x_headers:
        return []
    if len(x_headers) == 1:
        return x_headers
    slots = {name.lower(): number for number, name in enumerate(names)}
    order = sorted(x_headers, key=lambda name: (slots.get(name.lower(), len(slots)), name))
    return {name: x_headers[name] for name in order}


def notified_out(postback_at: datetime | None) -> dict[str, object]:
    """Return when the postback succeeded and whether it did, under their two keys."""
    if postback_at is None:
        return {"notifiedtime": "", "notified": "0"}
    return {"notifiedtime": iso(postback_at), "notified": "1"}


def month_before(moment: datetime) -> datetime:
    """Return the same time of the same day a month earlier, or of that month's last day when it is shorter."""
    year, month = (moment.year, moment.month - 1) if moment.month > 1 else (moment.year - 1, _DECEMBER)
    if year < MINYEAR:
        return moment
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _text(params: Params, name: str) -> str | None:
    value = params.text(name)
    return None if value is None else value.strip()


def _address(entry: str | None) -> str | None:
    """Return an address as the ledger has it; what is none stays as it is, and finds nothing."""
    if entry is None:
        return None
    try:
        return parse_mailbox(entry).address
    except InvalidAddress:
        return entry.strip()


def _domain(name: str | None) -> str | None:
    """Return a domain as the ledger has it, with A-labels."""
    if name is None:
        return None
    try:
        return parse_mailbox(f"x@{name}").domain
    except InvalidAddress:
        return name
