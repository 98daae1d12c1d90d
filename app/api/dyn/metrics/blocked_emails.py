"""Dyn Metrics: `/blocked-emails`, `/blocked-email/counts` and `/blocked-email/reasons`.

Source: docs/contract/dyn-metrics.md, section 7.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.metrics.auth import QueryDep, Reader
from app.api.dyn.metrics.email_ids import shown_ids
from app.api.dyn.metrics.envelope import ok, ok_series, x_headers_out
from app.api.dyn.metrics.params import Parameters
from app.api.dyn.metrics.series import points
from app.core import metrics
from app.core.metrics import BlockedCount, BlockedRow, RollUp, Step
from app.core.suppressions import Reason
from app.dependencies import Read, RuntimeDep


def blocked_out(row: BlockedRow, shown_id: str) -> dict[str, object]:
    """Return a blocked copy with the ten keys of the list, in their order."""
    local, _, domain = row.recipient.rpartition("@")
    return {
        "email_address": row.recipient,
        "postback_time": int(row.postback_at.timestamp()) if row.postback_at else 0,
        "user_id": row.account_id,
        "xheaders": x_headers_out(row.x_headers),
        "domain": domain,
        "email_id": shown_id,
        "process_time": int(row.accepted_at.timestamp()),
        "sender_id": row.sender_id,
        "blocked_reason": row.reason,
        "local": local,
    }


def count_out(row: BlockedCount, by: RollUp) -> dict[str, object]:
    """Return a row of counts; the bounces are those that caused the blocking."""
    if by is RollUp.USER:
        return {"user_id": row.key, "blocked_email_count": row.blocked}
    return {
        "bounce_count": row.bounces.all,
        "sender_id": row.key,
        "sender": row.sender,
        "soft_bounce_count": row.bounces.soft,
        "hard_bounce_count": row.bounces.hard,
        "blocked_email_count": row.blocked,
    }


async def blocked_emails(
    request: Request, params: QueryDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List the recipient copies of a time range that were not sent because their recipient must not be mailed.

    Source: Dyn Metrics "GET /blocked-emails".
    """
    given = Parameters(params)
    window, scope = given.window(), given.scope()
    filters, offset = given.filters(), given.offset()
    reason = given.choice("blocked_reason", Reason)
    given.enveloped()
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    rows = await metrics.blocked_emails(
        read, caller, window, scope=scope, filters=filters, reason=reason, offset=offset
    )
    ids = await shown_ids(read, rows, runtime.settings.node_name)
    return await ok(request, [blocked_out(row, ids[row.message_id]) for row in rows], item="blocked-email")


async def blocked_email_counts(request: Request, params: QueryDep, caller: Reader, read: Read) -> Response:
    """Count the blocked copies of a time range, per sender or account, also as a time series.

    Source: Dyn Metrics "GET /blocked-email/counts".
    """
    given = Parameters(params)
    window, scope = given.window(), given.scope()
    by = given.choice("rollup_to", RollUp) or RollUp.SENDER
    step = given.choice("timeseries", Step)
    reason = given.choice("blocked_reason", Reason)
    given.enveloped()
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    if step is None:
        counts = await metrics.blocked_counts(read, caller, window, scope=scope, by=by, reason=reason)
        return await ok(request, [count_out(row, by) for row in counts], item="count")
    series = await metrics.blocked_series(read, caller, window, step=step, scope=scope, by=by, reason=reason)
    return await ok_series(request, points(series, ("timestamp", "blocked_email_count")))


async def blocked_email_reasons(request: Request, params: QueryDep, caller: Reader) -> Response:  # noqa: ARG001 a key is needed
    """Name the reasons for which mail is blocked.

    Source: Dyn Metrics "GET /blocked-email/reasons".
    """
    given = Parameters(params)
    given.enveloped()
    given.check()
    return await ok(request, sorted(Reason), item="reason")
