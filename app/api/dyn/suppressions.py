"""Dyn Email Delivery: `/suppressions`.

Source: docs/contract/dyn-email.md, section 10.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.address_list import NAME, read_addresses
from app.api.dyn.auth import ParamsDep, Reader, Writer
from app.api.dyn.dates import iso
from app.api.dyn.envelope import ok
from app.api.dyn.errors import FieldsRefused, Problems, not_valid
from app.api.dyn.scalars import read_range, read_start_index
from app.core import contacts, suppressions
from app.core.suppressions import Entry, Reason
from app.dependencies import Read, Write


def suppression_out(entry: Entry) -> dict[str, object]:
    """Return an entry of the list with its four keys."""
    return {
        "emailaddress": entry.address,
        "suppresstime": iso(entry.created_at),
        "suppressionid": str(entry.id),
        "reasontype": str(entry.reason),
    }


async def list_suppressions(request: Request, params: ParamsDep, caller: Reader, read: Read) -> Response:
    """List whom the account does not mail, all of them when there is no range.

    Source: Dyn Email "GET /suppressions".
    """
    problems = Problems()
    start, end = read_range(params, problems)
    offset = read_start_index(params, problems)
    problems.check()
    entries = await suppressions.page(read, caller.account_id, start=start, end=end, offset=offset)
    return ok(request, {"suppressions": [suppression_out(entry) for entry in entries]})


async def count_suppressions(request: Request, params: ParamsDep, caller: Reader, read: Read) -> Response:
    """Count them.

    Source: Dyn Email "GET /suppressions/count".
    """
    problems = Problems()
    start, end = read_range(params, problems)
    problems.check()
    count = await suppressions.count(read, caller.account_id, start=start, end=end)
    return ok(request, {"count": str(count)})


async def add_suppressions(request: Request, params: ParamsDep, caller: Writer, write: Write) -> Response:
    """Put addresses on the list by hand; what is no address beside one that is gets left out.

    Raises:
        FieldsRefused: There is no address.

    Source: Dyn Email "POST /suppressions".
    """
    keys = [entry.key for entry in await read_addresses(params) if entry.is_address]
    if not keys:
        raise FieldsRefused([not_valid(NAME)])
    await contacts.suppress(write, caller.account_id, keys, Reason.MANUAL)
    return ok(request, [])


async def activate_suppressions(request: Request, params: ParamsDep, caller: Writer, write: Write) -> Response:
    """Take addresses off the list; their bounced and complained marks stay.

    Source: Dyn Email "POST /suppressions/activate".
    """
    entries = await read_addresses(params)
    await contacts.unsuppress(write, caller.account_id, [entry.key for entry in entries])
    return ok(request, [])
