"""`POST /inbound`: a mail that came back, handed over by a mail server of yours instead of by SMTP.

Source: docs/contract/dyn-email.md, 14; docs/inbound.md.
"""

import asyncio
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from app.api.native.auth import Admin
from app.api.native.routing import native_router
from app.core import intake
from app.core.errors import NotFound
from app.core.intake import Keys, Outcome
from app.core.messages import SuppressionRules
from app.dependencies import RuntimeDep, Write
from app.telemetry import counters

MEDIA_TYPE = "message/rfc822"
BODY_BYTES = 64 * 1024 * 1024
"""Largest body, whatever the settings say."""
SECONDS = 300.0
"""Longest time a mail may take to arrive."""
MAX_ADDRESS = 320
_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPE: {"schema": {"type": "string", "format": "binary", "description": "The mail as it came."}}
        },
    }
}
router = native_router("/inbound", "Messages and events")
router.max_body_size = BODY_BYTES


class InboundOut(BaseModel):
    """What the mail led to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "bounced", "detail": "bad-mailbox", "bounce_type": "hard"}]}
    )

    outcome: Outcome
    detail: str
    bounce_type: str


async def _mail(request: Request, runtime: RuntimeDep, caller: Admin) -> bytes:
    """Receive a mail; its beginning alone when it is long.

    Raises:
        HTTPException: 408, 413 or 415.
    """
    del caller  # the key comes first: without one the answer is 401, whatever the body
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise HTTPException(415)
    limits = runtime.settings.intake
    kept, size = bytearray(), 0
    try:
        async with asyncio.timeout(SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > limits.max_message_bytes:
                    raise HTTPException(413)
                kept += piece[: max(0, limits.kept_bytes - len(kept))]
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(kept)


@router.post("", openapi_extra=_SCHEMA)
async def take_in(
    raw: Annotated[bytes, Depends(_mail)],
    caller: Admin,
    write: Write,
    runtime: RuntimeDep,
    *,
    recipient: Annotated[str, Query(max_length=MAX_ADDRESS, description="Envelope recipient: an address of ours.")],
    sender: Annotated[
        str | None, Query(max_length=MAX_ADDRESS, description="Envelope sender; empty is the null sender.")
    ] = None,
) -> InboundOut:
    """Take a mail that came back: a failure report, a complaint, an unsubscription. Giving it again changes nothing.

    Raises:
        NotFound: The recipient is no address of ours, or its token was not made by us.
    """
    del caller
    settings = runtime.settings
    keys = Keys.of(settings.secret_keys)
    where = intake.destination(keys, recipient)
    if where is None:
        raise NotFound("no such address")
    message = await asyncio.to_thread(intake.understand, raw, sender)
    rules = SuppressionRules(settings.suppression.soft_bounces, settings.suppression.soft_bounce_hours)
    result = await intake.apply(write, where, message, keys=keys, rules=rules)
    counters.count_intake(result.outcome)
    if result.outcome is Outcome.BOUNCED:
        counters.count_bounces(result.bounce_type, result.detail)
    return InboundOut(outcome=result.outcome, detail=result.detail, bounce_type=result.bounce_type)
