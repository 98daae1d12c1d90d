"""Dyn Metrics: `/emails` and `/email/counts`.

Source: docs/contract/dyn-metrics.md, section 6.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.metrics.auth import QueryDep, Reader
from app.api.dyn.metrics.email_ids import shown_ids
from app.api.dyn.metrics.envelope import ok, ok_series, x_headers_out
from app.api.dyn.metrics.params import Parameters
from app.api.dyn.metrics.series import points
from app.core import metrics
from app.core.metrics import CountRow, EmailRow, RollUp, Step
from app.dependencies import Read, RuntimeDep


def email_out(row: EmailRow, shown_id: str) -> dict[str, object]:
    """Return a copy with the nine keys of the list, in their order."""
    local, _, domain = row.recipient.rpartition("@")
    return {
        "email_address": row.recipient,
        "domain": domain,
        "user_id": row.account_id,
        "xheaders": x_headers_out(row.x_headers),
        "delivered": row.delivered,
        "email_id": shown_id,
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
    window, scope = given.window(), given.scope()
    filters, offset, delivered = given.filters(), given.offset(), given.flag("delivered")
    given.enveloped()
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    rows = await metrics.emails(read, caller, window, scope=scope, filters=filters, delivered=delivered, offset=offset)
    ids = await shown_ids(read, rows, runtime.settings.node_name)
    return await ok(request, [email_out(row, ids[row.message_id]) for row in rows], item="email")


async def email_counts(request: Request, params: QueryDep, caller: Reader, read: Read) -> Response:
    """Count the recipient copies that were accepted in a time range, per sender or account, also as a time series.

    Source: Dyn Metrics "GET /email/counts".
    """
    given = Parameters(params)
    window = given.window()
    scope = given.scope()
    by = given.choice("rollup_to", RollUp) or RollUp.SENDER
    step = given.choice("timeseries", Step)
    given.enveloped()
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    if step is None:
        counts = await metrics.email_counts(read, caller, window, scope=scope, by=by)
        return await ok(request, [count_out(row, by) for row in counts], item="count")
    series = await metrics.email_series(read, caller, window, step=step, scope=scope, by=by)
    return await ok_series(request, points(series, ("timestamp", "sent_count")))
