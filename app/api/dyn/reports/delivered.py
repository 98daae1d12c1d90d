"""Dyn Email Delivery: `/reports/delivered`.

Source: docs/contract/dyn-email.md, 11.2.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader
from app.api.dyn.errors import Problems
from app.api.dyn.reports.asking import counted, listed, read_filters, read_page
from app.api.dyn.reports.sent import copy_out
from app.core import reports
from app.dependencies import Read, RuntimeDep


async def list_delivered(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List the copies that receiving servers took and that have not bounced since, by their acceptance.

    Source: Dyn Email "GET /reports/delivered".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.sent(read, caller.account_id, filters, delivered=True, offset=offset)
    return listed(request, "delivered", [copy_out(row, caller) for row in rows])


async def count_delivered(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count them.

    Source: Dyn Email "GET /reports/delivered/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_sent(read, caller.account_id, filters, delivered=True))
