"""Dyn Email Delivery: `/reports/bounces`.

Source: docs/contract/dyn-email.md, 11.3.
"""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader
from app.api.dyn.dates import iso
from app.api.dyn.errors import Problems
from app.api.dyn.params import Params
from app.api.dyn.reports.asking import counted, listed, notified_out, read_filters, read_page, x_headers_out
from app.core import reports
from app.core.reports import BounceKind, BounceRow
from app.dependencies import Read, RuntimeDep

BIG = 1_000_000
"""Answers with more characters of text than this are written in a thread, so that other requests do not wait."""
_FLAGS = {"1": True, "0": False}


def bounce_out(row: BounceRow, names: Sequence[str], *, with_text: bool) -> dict[str, object]:
    """Return a bounce or a blocked copy; X-headers stand in it twice."""
    x_headers = x_headers_out(row.x_headers, names)
    return {
        "emailaddress": row.recipient,
        "bounceemail": row.recipient,
        "bouncetype": str(row.kind),
        "bouncerule": row.rule,
        "bouncecode": row.code,
        "bouncetime": iso(row.occurred_at),
        **notified_out(row.postback_at),
        **({"bouncemessage": row.text} if with_text else {}),
        "xheaders": x_headers,
        **(x_headers if isinstance(x_headers, dict) else {}),
    }


async def list_bounces(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List hard and soft bounces, or with `bouncetype` one of the two or mails that were blocked.

    Source: Dyn Email "GET /reports/bounces".
    """
    problems = Problems()
    filters, offset = read_page(params, problems, runtime.clock.now(), caller.x_headers)
    kind, with_text = _read_kind(params, problems), _read_with_text(params, problems)
    problems.check()
    rows = await reports.bounces(read, caller.account_id, filters, kind=kind, with_text=with_text, offset=offset)
    items = [bounce_out(row, caller.x_headers, with_text=with_text) for row in rows]
    if sum(len(row.text) for row in rows) > BIG:
        return await asyncio.to_thread(listed, request, "bounces", items)
    return listed(request, "bounces", items)


async def count_bounces(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """Count them; only the first count obeys `bouncetype`.

    Source: Dyn Email "GET /reports/bounces/count".
    """
    problems = Problems()
    filters = read_filters(params, problems, runtime.clock.now(), caller.x_headers)
    kind = _read_kind(params, problems)
    _read_with_text(params, problems)
    problems.check()
    counts = await reports.count_bounces(read, caller.account_id, filters)
    hard, soft = counts[BounceKind.HARD], counts[BounceKind.SOFT]
    before = counts[BounceKind.PREVIOUSLY_HARD_BOUNCED]
    return counted(
        request,
        hard + soft if kind is None else counts[kind],
        totalcount=hard + soft + before,
        hardbouncecount=hard,
        softbouncecount=soft,
        prevhardbouncecount=before,
    )


def _read_kind(params: Params, problems: Problems) -> BounceKind | None:
    text = (params.text("bouncetype") or "").strip()
    if not text:
        return None
    if text not in {str(kind) for kind in BounceKind}:
        problems.not_valid("bouncetype")
        return None
    return BounceKind(text)


def _read_with_text(params: Params, problems: Problems) -> bool:
    flag = _FLAGS.get((params.text("noheaders") or "0").strip())
    if flag is None:
        problems.not_valid("noheaders")
    return not flag
