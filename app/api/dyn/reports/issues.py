"""Dyn Email Delivery: `/reports/issues`.

Source: docs/contract/dyn-email.md, 11.6.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader
from app.api.dyn.dates import iso
from app.api.dyn.errors import Problems
from app.api.dyn.reports.asking import counted, listed, read_filters, read_page, x_headers_out
from app.core import reports
from app.core.reports import IssueRow
from app.dependencies import Read, RuntimeDep


def issue_out(row: IssueRow, names: Sequence[str]) -> dict[str, object]:
    """Return a refusal with its five keys."""
    return {
        "emailaddress": row.address,
        "issuetype": row.issue_type,
        "description": row.description,
        "date": iso(row.occurred_at),
        "xheaders": x_headers_out(row.x_headers, names),
    }


async def list_issues(request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """List refused sends of any family; the key of the list is in the singular.

    Source: Dyn Email "GET /reports/issues".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    rows = await reports.issues(read, caller.account_id, filters, offset=offset)
    return listed(request, "issue", [issue_out(row, caller.x_headers) for row in rows])


async def count_issues(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count them.

    Source: Dyn Email "GET /reports/issues/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    problems.check()
    return counted(request, await reports.count_issues(read, caller.account_id, filters))
