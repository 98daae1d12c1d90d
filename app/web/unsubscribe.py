"""`/u`: unsubscribing by the page's button, and by a mail program's own (RFC 8058).

A GET changes nothing, because programs follow links of mails before people do. Imports core front doors.

Source: docs/contract/dyn-email.md, section 13; docs/contract/native.md, section 5.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from app.core import tracking
from app.core.errors import NotFound
from app.core.tracking import Means, TrackedCopy
from app.db.unit_of_work import reading, unit_of_work
from app.dependencies import runtime_of
from app.mail.tracking import Purpose
from app.models.message import Kind
from app.web.forms import form_of
from app.web.pages import masked, page
from app.web.places import redirect_url
from app.web.visitors import agent_of, ip_of, named_copy

BODY_BYTES = 8192
"""Largest body."""
BUTTON = "unsubscribe"
"""Name of the page's button."""


async def show(request: Request) -> Response:
    """Show what the button would do, and to which address.

    Raises:
        NotFound: The token is none of ours, or its mail is gone.
    """
    message_id, accepted_at = named_copy(request, Purpose.UNSUBSCRIBE)
    async with reading(runtime_of(request).engine) as read:
        copy = await tracking.copy_of(read, message_id, accepted_at)
    if copy is None:
        raise NotFound("no such mail")
    return _question(request, copy)


async def act(request: Request) -> Response:
    """Unsubscribe, and say so; doing it again says the same.

    Raises:
        NotFound: The token is none of ours, or its mail is gone.
        HTTPException: The body is too large or malformed.
    """
    runtime = runtime_of(request)
    message_id, accepted_at = named_copy(request, Purpose.UNSUBSCRIBE)
    means = _means(await form_of(request, BODY_BYTES))
    async with unit_of_work(runtime.engine, runtime.queue) as write:
        copy = await tracking.copy_of(write, message_id, accepted_at)
        if copy is None:
            raise NotFound("no such mail")
        if means is None:
            return _question(request, copy, unclear=True)
        await tracking.unsubscribe(
            write, message_id, accepted_at, means=means, ip=ip_of(request), user_agent=agent_of(request)
        )
        audience_id = copy.audience_id if _is_list(copy) else None
        url = await redirect_url(write, copy.account_id, audience_id, "unsubscribed_redirect_url")
    # A page is the contract's answer; Refresh takes people on. One click gets no redirect (RFC 8058, 3.1).
    headers = {"Refresh": f"0;url={url}"} if url and means is Means.PAGE else None
    return page(
        request, "unsubscribed", headers=headers, address=masked(copy.recipient), is_list=_is_list(copy), url=url
    )


def _question(request: Request, copy: TrackedCopy, *, unclear: bool = False) -> Response:
    return page(
        request,
        "unsubscribe",
        status=400 if unclear else 200,
        address=masked(copy.recipient),
        is_list=_is_list(copy),
        unclear=unclear,
    )


def _is_list(copy: TrackedCopy) -> bool:
    """Say whether it ends one list's mail, or all mail of the account (docs/contract/dyn-email.md, 16)."""
    # The audience of an automation's mail is that of its contact, which may have been deleted meanwhile.
    return copy.kind == Kind.AUTOMATION or (copy.kind == Kind.CAMPAIGN and copy.audience_id is not None)


def _means(fields: Mapping[str, str]) -> Means | None:
    """Return what the body asks for; None for nothing of ours."""
    given = {name.strip().lower(): value.strip().lower() for name, value in fields.items()}
    if given.get("list-unsubscribe") == "one-click":
        return Means.ONE_CLICK
    return Means.PAGE if given.get(BUTTON) else None
