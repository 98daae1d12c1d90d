"""`POST /rest/{type}/send`: the hot path. Source: docs/contract/dyn-email.md, section 7.

A plain route without FastAPI's parameters, and no transaction of its own: the batcher writes many requests in one
commit. May import Starlette, `app.dependencies`, the front doors of the core and the modules of this family.
"""

import asyncio
import logging
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import body_limit, caller_of, classic_key
from app.api.dyn.envelope import JSON_TYPE, Format, format_of, json_body, ok
from app.api.dyn.mail_headers import remembered
from app.api.dyn.params import Params, read_params
from app.api.dyn.submission import NEED_MAIL, Submission, read_submission
from app.core.accounts import Caller, Scope
from app.core.errors import NotFound, QuotaExceeded
from app.core.messages import Draft, IssueDraft, email_id, tracking_of
from app.dependencies import Runtime, runtime_of
from app.models.issue import IssueType
from app.models.message import Kind
from app.telemetry.logger import Logger

ACCEPTED = "250 2.1.0 Ok"
"""What the mail server says to a good mail."""
LIMIT_REACHED = "452 4.3.1 Error: sending limit reached"

MAX_LOGGED = 20
"""Copies of a mail that its log line names."""

logger = logging.getLogger(__name__)
_EVENTS = Logger(__name__)
_ACCEPTED_JSON = json_body(200, "OK", ACCEPTED)


async def send(request: Request) -> Response:
    """Accept a mail, or say in the words of a mail server why not; both with status 200.

    Raises:
        NotFound: There is no such type.
        FieldsRefused: A required field is missing (452).
        BodyTooLarge: 413.
        Unauthenticated, Forbidden: 451, 454.
        Overloaded: 503.
    """
    wanted = format_of(request)
    if wanted is None:
        raise NotFound("no such type")
    runtime = runtime_of(request)
    received_at = runtime.clock.now()
    params = await read_params(request, limit=body_limit(runtime))
    key = classic_key(request, params)
    caller = await caller_of(runtime, key, Scope.SEND)
    submission = await _read(params, runtime)
    hand_over = partial(_hand_over, runtime, mail=submission, received_at=received_at)
    reply = await runtime.keys.acting(key or "", caller, Scope.SEND, hand_over)
    if reply is ACCEPTED and wanted is Format.JSON:
        return Response(_ACCEPTED_JSON, media_type=JSON_TYPE)
    return ok(request, reply)


async def _read(params: Params, runtime: Runtime) -> Submission:
    limits = runtime.settings.send

    def read() -> Submission:
        return read_submission(params, max_recipients=limits.max_recipients, max_bytes=limits.max_message_bytes)

    return await asyncio.to_thread(read) if params.is_large else read()


async def _hand_over(runtime: Runtime, caller: Caller, mail: Submission, received_at: datetime) -> str:
    """Return what the client is told, once the mail or its refusal is durable.

    Raises:
        StaleCaller: The account has changed; nothing was written.
        Overloaded: Nothing was written.
    """
    x_headers = remembered(caller.x_headers, mail.x_headers)
    sender_id = None
    if mail.sender is not None:
        sender_id = await runtime.senders.ready(caller.account_id, caller.revision, mail.sender.address)
    if sender_id is None:
        unapproved = IssueDraft(IssueType.UNAPPROVED_SENDER, mail.first_recipient, NEED_MAIL)
        await runtime.batcher.refuse(
            caller, sender=mail.from_text, issues=(unapproved,), x_headers=x_headers, at=received_at
        )
        return NEED_MAIL
    if mail.refusal is not None:
        await runtime.batcher.refuse(
            caller, sender=mail.from_text, issues=mail.issues, x_headers=x_headers, at=received_at
        )
        return mail.refusal
    public_url = runtime.settings.public_url
    tracked = await tracking_of(caller, headers=mail.headers, html=mail.html, public_url=public_url)
    draft = Draft(
        caller=caller,
        sender_id=sender_id,
        from_address=mail.from_text,
        kind=Kind.SEND,
        lane=mail.lane,
        headers=mail.headers,
        text=mail.text,
        html=mail.html,
        recipients=mail.recipients,
        x_headers=x_headers,
        issues=mail.issues,
        received_at=received_at,
        tracking=tracked.tracking,
        links=tracked.links,
    )
    try:
        accepted = await runtime.batcher.accept(draft)
    except QuotaExceeded:
        return LIMIT_REACHED
    if logger.isEnabledFor(logging.DEBUG):
        node = runtime.settings.node_name
        email_ids = [
            email_id(accepted.accepted_at, message_id, node) for message_id in accepted.message_ids[:MAX_LOGGED]
        ]
        _EVENTS.debug("send.accepted", email_ids=email_ids, copies=len(accepted.message_ids))
    return ACCEPTED
