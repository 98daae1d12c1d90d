"""Dyn Email Delivery: `/reports/clicks`, all and unique.

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
from app.core.reports import ClickRow, UniqueClickRow
from app.dependencies import Read, RuntimeDep


def click_out(row: ClickRow, names: Sequence[str]) -> dict[str, object]:
    """Return a click with its five keys."""
    return {
        "xheaders": x_headers_out(row.x_headers, names),
        "emailaddress": row.recipient,
        "ip": row.ip,
        "clicklink": row.url,
        "date": iso(row.occurred_at),
    }


def unique_click_out(row: UniqueClickRow, names: Sequence[str]) -> dict[str, object]:
    """Return a clicked link of a copy with its six keys."""
    return {
        "xheaders": x_headers_out(row.x_headers, names),
        "emailaddress": row.recipient,
        "ip": row.ip,
        "clicklink": row.url,
        "date": iso(row.occurred_at),
        "count": str(row.total),
    }


async def list_clicks(request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """List clicks.

    Source: Dyn Email "GET /reports/clicks".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.clicks(read, caller.account_id, filters, offset=offset)
    return listed(request, "clicks", [click_out(row, caller.x_headers) for row in rows])


async def list_unique_clicks(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List the links of copies that were clicked, with their first click and the number of all.

    Source: Dyn Email "GET /reports/clicks/unique".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.unique_clicks(read, caller.account_id, filters, offset=offset)
    return listed(request, "clicks", [unique_click_out(row, caller.x_headers) for row in rows])


async def count_clicks(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count clicks.

    Source: Dyn Email "GET /reports/clicks/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_clicks(read, caller.account_id, filters))


async def count_unique_clicks(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count the links of copies that were clicked.

    Source: Dyn Email "GET /reports/clicks/count/unique".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_unique_clicks(read, caller.account_id, filters))
