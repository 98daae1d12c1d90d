"""Dyn Metrics: `/emails` and `/email/counts`.

Source: docs/contract/dyn-metrics.md, section 6.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.metrics.auth import QueryDep, Reader
from app.api.dyn.metrics.envelope import ok, ok_series
from app.api.dyn.metrics.params import Parameters
from app.core import metrics
from app.core.messages import email_id
from app.core.metrics import CountRow, EmailRow, ListFilters, RollUp, Step
from app.dependencies import Read, RuntimeDep


def email_out(row: EmailRow, node_name: str) -> dict[str, object]:
    """Return a copy with the nine keys of the list, in their order."""
    local, _, domain = row.recipient.rpartition("@")
    return {
        "email_address": row.recipient,
        "domain": domain,
        "user_id": row.account_id,
        "xheaders": row.x_headers or None,
        "delivered": row.delivered,
        "email_id": email_id(row.accepted_at, row.message_id, node_name),
        "process_time": int(row.accepted_at.timestamp()),
        "sender_id": row.sender_id,
        "local": local,
    }


def count_out(row: CountRow, by: RollUp) -> dict[str, object]:
    """Return a row of counts."""
    if by is RollUp.USER:
        return {"user_id": row.key, "sent_count": row.copies}
    return {"sender_id": row.key, "sent_count": row.copies, "sender": row.sender}


async def emails(request: Request, params: QueryDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """List the recipient copies that were accepted in a time range.

    Source: Dyn Metrics "GET /emails".
    """
    given = Parameters(params)
    window = given.window()
    scope = given.scope()
    x_headers = given.x_headers()
    offset = given.offset()
    filters = ListFilters(
        domain=given.text("domain"),
        local=given.text("local"),
        recipient=given.text("recipient"),
        delivered=given.flag("delivered"),
        x_headers=x_headers,
    )
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    rows = await metrics.emails(read, caller, window, scope=scope, filters=filters, offset=offset)
    node_name = runtime.settings.node_name
    return await ok(request, [email_out(row, node_name) for row in rows], item="email")


async def email_counts(request: Request, params: QueryDep, caller: Reader, read: Read) -> Response:
    """Count the recipient copies that were accepted in a time range, per sender or account, also as a time series.

    Source: Dyn Metrics "GET /email/counts".
    """
    given = Parameters(params)
    window = given.window()
    scope = given.scope()
    by = given.choice("rollup_to", RollUp) or RollUp.SENDER
    step = given.choice("timeseries", Step)
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    if step is None:
        counts = await metrics.email_counts(read, caller, window, scope=scope, by=by)
        return await ok(request, [count_out(row, by) for row in counts], item="count")
    series = await metrics.email_series(read, caller, window, step=step, scope=scope, by=by)
    return await ok_series(
        request,
        {
            str(key): [{"timestamp": int(start.timestamp()), "sent_count": copies} for start, copies in points]
            for key, points in series.items()
        },
    )
