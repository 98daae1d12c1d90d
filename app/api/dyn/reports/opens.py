"""Dyn Email Delivery: `/reports/opens`, all and unique.

Source: docs/contract/dyn-email.md, 11.5.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader
from app.api.dyn.dates import iso
from app.api.dyn.errors import Problems
from app.api.dyn.reports.asking import counted, listed, read_filters, read_page, x_headers_out
from app.core import reports
from app.core.reports import OpenRow, UniqueOpenRow
from app.dependencies import Read, RuntimeDep

STAGE = "seen"
"""How closely a mail was looked at: nobody can tell, so it is always this."""


def open_out(row: OpenRow, names: Sequence[str]) -> dict[str, object]:
    """Return an open with its five keys."""
    return {
        "xheaders": x_headers_out(row.x_headers, names),
        "emailaddress": row.recipient,
        "ip": row.ip,
        "stage": STAGE,
        "date": iso(row.occurred_at),
    }


def unique_open_out(row: UniqueOpenRow, names: Sequence[str]) -> dict[str, object]:
    """Return an opened copy with its four keys."""
    return {
        "xheaders": x_headers_out(row.x_headers, names),
        "emailaddress": row.recipient,
        "date": iso(row.occurred_at),
        "count": str(row.total),
    }


async def list_opens(request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """List opens.

    Source: Dyn Email "GET /reports/opens".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.opens(read, caller.account_id, filters, offset=offset)
    return listed(request, "opens", [open_out(row, caller.x_headers) for row in rows])


async def list_unique_opens(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List the copies that were opened, with their first open and the number of all.

    Source: Dyn Email "GET /reports/opens/unique".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.unique_opens(read, caller.account_id, filters, offset=offset)
    return listed(request, "opens", [unique_open_out(row, caller.x_headers) for row in rows])


async def count_opens(request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """Count opens.

    Source: Dyn Email "GET /reports/opens/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_opens(read, caller.account_id, filters))


async def count_unique_opens(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count the copies that were opened.

    Source: Dyn Email "GET /reports/opens/count/unique".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_unique_opens(read, caller.account_id, filters))
