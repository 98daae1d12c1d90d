"""Dyn Email Delivery: `/reports/complaints`.

Source: docs/contract/dyn-email.md, 11.4.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader
from app.api.dyn.dates import iso
from app.api.dyn.errors import Problems
from app.api.dyn.reports.asking import counted, listed, notified_out, read_filters, read_page, x_headers_out
from app.core import reports
from app.core.reports import BounceKind, ComplaintRow
from app.dependencies import Read, RuntimeDep


def complaint_out(row: ComplaintRow, names: Sequence[str]) -> dict[str, object]:
    """Return a complaint; its time stands in it twice."""
    return {
        "emailaddress": row.recipient,
        "date": iso(row.occurred_at),
        "complainttime": iso(row.occurred_at),
        **notified_out(row.postback_at),
        "xheaders": x_headers_out(row.x_headers, names),
    }


async def list_complaints(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List complaints of recipients.

    Source: Dyn Email "GET /reports/complaints".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.complaints(read, caller.account_id, filters, offset=offset)
    return listed(request, "complaints", [complaint_out(row, caller.x_headers) for row in rows])


async def count_complaints(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count them, and the mails that were blocked for an earlier one.

    Source: Dyn Email "GET /reports/complaints/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    complaints = await reports.count_complaints(read, caller.account_id, filters)
    blocked = await reports.count_blocked(read, caller.account_id, filters)
    before = blocked.get(BounceKind.PREVIOUSLY_COMPLAINED, 0)
    return counted(
        request, complaints, totalcount=complaints + before, complaintcount=complaints, prevcomplaintcount=before
    )
