"""Dyn Metrics: `/bounces`, `/bounce/...`, `/bounce/counts` and `/bounce/categories`.

Source: docs/contract/dyn-metrics.md, section 5.
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.metrics.auth import QueryDep, Reader
from app.api.dyn.metrics.email_ids import shown_ids
from app.api.dyn.metrics.envelope import ok, ok_series, x_headers_out
from app.api.dyn.metrics.params import Parameters
from app.api.dyn.metrics.series import points
from app.core import ingest, metrics
from app.core.errors import NotFound
from app.core.metrics import BounceCount, BounceDetail, BounceRow, Category, RollUp, Step
from app.dependencies import Read, RuntimeDep
from app.models.bounce import BounceType

CATEGORY_ALIASES = {"blockedcontent": Category.CONTENT_RELATED}
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def bounce_out(row: BounceRow, shown_id: str) -> dict[str, object]:
    """Return a bounce with the thirteen keys of the list, in their order."""
    local, _, domain = row.recipient.rpartition("@")
    return {
        "domain": domain,
        "bounce_category": row.category,
        "email_id": shown_id,
        "postback_time": int(row.postback_at.timestamp()) if row.postback_at else 0,
        "bounce_time": int(row.bounced_at.timestamp()),
        "sender_id": row.sender_id,
        "bounce_type": row.bounce_type,
        "email_address": row.recipient,
        "user_id": row.account_id,
        "xheaders": x_headers_out(row.x_headers),
        "bounce_code": row.code,
        "process_time": int(row.accepted_at.timestamp()),
        "local": local,
    }


def detail_out(detail: BounceDetail, shown_id: str) -> dict[str, object]:
    """Return a bounce with the sixteen keys of the detail, in their order."""
    known = bounce_out(detail.row, shown_id) | {
        "full_content": detail.full_content,
        "diagnostic_code": f"smtp;{detail.diagnostic}",
        "regex_name": detail.regex_name,
    }
    return {name: known[name] for name in _DETAIL}


_DETAIL = (
    "domain", "bounce_category", "xheaders", "bounce_code", "email_id", "process_time", "sender_id", "local",
    "bounce_type", "full_content", "bounce_time", "diagnostic_code", "user_id", "regex_name", "email_address",
    "postback_time",
)  # fmt: skip


def count_out(row: BounceCount, by: RollUp) -> dict[str, object]:
    """Return a row of counts."""
    whose = {"user_id": row.key} if by is RollUp.USER else {"sender_id": row.key, "sender": row.sender}
    return {
        "bounce_count": row.bounces.all,
        **whose,
        "soft_bounce_count": row.bounces.soft,
        "hard_bounce_count": row.bounces.hard,
    }


async def bounces(request: Request, params: QueryDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """List the bounces that were recorded in a time range.

    Source: Dyn Metrics "GET /bounces".
    """
    given = Parameters(params)
    window, scope = given.window(), given.scope()
    filters, offset = given.filters(), given.offset()
    bounce_type = given.choice("bounce_type", BounceType)
    category = given.choice("bounce_category", Category, CATEGORY_ALIASES)
    enveloped = given.enveloped()
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    rows = await metrics.bounces(
        read,
        caller,
        window,
        scope=scope,
        filters=filters,
        bounce_type=bounce_type,
        category=category,
        offset=offset,
    )
    ids = await shown_ids(read, rows, runtime.settings.node_name)
    shown = [bounce_out(row, ids[row.message_id]) for row in rows]
    return await ok(request, shown, item="bounce", enveloped=enveloped)


async def bounce(request: Request, params: QueryDep, caller: Reader, read: Read, runtime: RuntimeDep) -> Response:
    """Show one bounce with the message that reported it.

    Raises:
        NotFound: The four parts are not those of one bounce that the caller may see.

    Source: Dyn Metrics "GET /bounce/{user_id}/{sender_id}/{bounce_time}/{email_id}".
    """
    given = Parameters(params)
    given.enveloped()
    given.check()
    parts = request.path_params
    numbers = [parts[name] for name in ("user_id", "sender_id", "bounce_time")]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        raise NotFound("bounce")
    copy = await ingest.find_copy(read, int(parts["user_id"]), parts["email_id"])
    if copy is None:
        raise NotFound("bounce")
    accepted_at, message_id = copy
    detail = await metrics.bounce(read, caller, message_id, accepted_at)
    row = detail.row
    if [row.account_id, row.sender_id, int(row.bounced_at.timestamp())] != [int(number) for number in numbers]:
        raise NotFound("bounce")
    ids = await shown_ids(read, [row], runtime.settings.node_name)
    return await ok(request, detail_out(detail, ids[row.message_id]))


async def bounce_counts(request: Request, params: QueryDep, caller: Reader, read: Read) -> Response:
    """Count the bounces of a time range by type, per sender or account, also as a time series.

    Source: Dyn Metrics "GET /bounce/counts".
    """
    given = Parameters(params)
    window, scope = given.window(), given.scope()
    by = given.choice("rollup_to", RollUp) or RollUp.SENDER
    step = given.choice("timeseries", Step)
    bounce_type = given.choice("bounce_type", BounceType)
    enveloped = given.enveloped()
    given.check()
    assert window is not None  # noqa: S101 else the check has raised
    if step is None:
        counts = await metrics.bounce_counts(read, caller, window, scope=scope, by=by, bounce_type=bounce_type)
        return await ok(request, [count_out(row, by) for row in counts], item="count")
    series = await metrics.bounce_series(read, caller, window, step=step, scope=scope, by=by, bounce_type=bounce_type)
    names = ("bounce_count", "timestamp", "soft_bounce_count", "hard_bounce_count")
    return await ok_series(request, points(series, names, total=True), enveloped=enveloped)


async def bounce_categories(request: Request, params: QueryDep, caller: Reader) -> Response:  # noqa: ARG001 a key is needed
    """Name the categories of bounces.

    Source: Dyn Metrics "GET /bounce/categories".
    """
    given = Parameters(params)
    given.enveloped()
    given.check()
    return await ok(request, list(Category), item="category")
