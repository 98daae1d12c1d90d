"""Dyn Email Delivery: `/reports/sent`.

Source: docs/contract/dyn-email.md, 11.2.
"""

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader
from app.api.dyn.dates import iso
from app.api.dyn.errors import Problems
from app.api.dyn.reports.asking import counted, listed, read_filters, read_page, x_headers_out
from app.core import reports
from app.core.accounts import Caller
from app.core.reports import CopyRow
from app.dependencies import Read, RuntimeDep

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def copy_out(row: CopyRow, caller: Caller) -> dict[str, object]:
    """Return an accepted copy with its five keys; the milliseconds since 1970 are a number."""
    return {
        "userid": str(caller.account_id),
        "senttime": iso(row.accepted_at),
        "mssenttime": (row.accepted_at - _EPOCH) // _MILLISECOND,
        "emailaddress": row.recipient,
        "xheaders": x_headers_out(row.x_headers, caller.x_headers),
    }


async def list_sent(request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """List every recipient copy that was accepted, blocked ones included.

    Source: Dyn Email "GET /reports/sent".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.sent(read, caller.account_id, filters, offset=offset)
    return listed(request, "sent", [copy_out(row, caller) for row in rows])


async def count_sent(request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """Count them.

    Source: Dyn Email "GET /reports/sent/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_sent(read, caller.account_id, filters))
