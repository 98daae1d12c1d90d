"""Dyno Email Marketing: `POST /transactions`. Imports the front doors of the core and the modules of this family.

Source: docs/contract/dyno.md, 9.
"""

from functools import partial
from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import Response

from app.api.dyno.addressees import mailbox_of, read_addressees
from app.api.dyno.auth import Call, Calling, key_of
from app.api.dyno.bodies import Members, about, described, text_of
from app.api.dyno.envelope import answered
from app.api.dyno.objects import naming
from app.core import transactional
from app.core.accounts import Caller, Scope
from app.core.errors import Fault, Invalid, QuotaExceeded
from app.core.messages import IssueDraft
from app.core.transactional import Dispatched, From, Transaction
from app.models.issue import IssueType
from app.models.message import Kind
from app.telemetry.counters import count_messages

MAX_LINE = 2000
"""Characters of a short text."""
LIMIT_REACHED = "SENDING LIMIT REACHED"

_BODY = described("email_content", "subject", "email_list", "from_email", "from_name", "preview_message")
router = APIRouter(redirect_slashes=False)


@router.post("/transactions", openapi_extra=_BODY)
async def send(call: Calling) -> Response:
    """Send one content to many recipients, a mail for each; they are durable when the answer leaves.

    Raises:
        Invalid: Missing or bad parameters, too many recipients, no valid one, a sender that is not approved.
        Forbidden: The key may not send.
        QuotaExceeded: The monthly limit would be passed; nothing is sent.
        Overloaded: The account keeps changing.
    """
    body = await call.body()
    html = text_of(body, "email_content") or ""
    if not html.strip():
        raise Invalid(about("email_content", fault=Fault.REQUIRED))
    lines = {name: _line(body, name) for name in ("subject", "preview_message", "from_name", "from_email")}
    sender = mailbox_of(lines["from_email"]) if lines["from_email"] else None
    if lines["from_email"] and (sender is None or sender.name):
        raise Invalid(about("from_email"))
    found = await read_addressees(body.get("email_list"))
    transaction = Transaction(
        html, lines["subject"], lines["preview_message"], lines["from_name"], found.valid, found.invalid
    )
    from_email = sender.address if sender else ""
    hand_over = partial(_hand_over, call, from_email=from_email, transaction=transaction)
    with naming(html="email_content", preheader="preview_message"):
        handed = await call.runtime.keys.acting(key_of(call.request), call.caller, Scope.SEND, hand_over)
    return _answer(call, transaction, *handed)


async def _hand_over(call: Call, caller: Caller, from_email: str, transaction: Transaction) -> tuple[From, Dispatched]:
    runtime = call.runtime
    settings, received_at = runtime.settings, runtime.clock.now()
    if not transaction.recipients:
        if caller.may(Scope.SEND):
            await runtime.batcher.refuse(caller, sender=from_email, issues=transaction.issues, at=received_at)
        raise Invalid(about("email_list", "contains no valid address"))
    try:
        async with call.writing() as write:
            sender = await transactional.sender_of(write, caller.account_id, from_email)
            call.require(Scope.SEND)
            dispatched = await transactional.dispatch(
                write,
                caller,
                sender,
                transaction,
                public_url=settings.public_url,
                received_at=received_at,
                default_cap=settings.quota.default_monthly,
            )
    except QuotaExceeded:
        issue = IssueDraft(IssueType.LIMIT_REACHED, transaction.recipients[0].mailbox.address, LIMIT_REACHED)
        await runtime.batcher.refuse(caller, sender=from_email or sender.email, issues=(issue,), at=received_at)
        raise
    count_messages(Kind.TRANSACTION, "accepted", len(transaction.recipients))
    return sender, dispatched


def _answer(call: Call, transaction: Transaction, sender: From, dispatched: Dispatched) -> Response:
    transaction_id = str(uuid4())
    rejected = [
        *({"email": text, "reason": "invalid"} for text in transaction.invalid),
        *({"email": address, "reason": "suppressed"} for address in dispatched.suppressed),
    ]
    shown = {
        "id": transaction_id,
        "status": "accepted" if dispatched.accepted else "rejected",
        "subject": transaction.subject,
        "from_name": transaction.from_name,
        "from_email": sender.email,
        "preview_message": transaction.preheader,
        "recipients": list(dispatched.accepted),
        "accepted": len(dispatched.accepted),
        "rejected": rejected,
        "created": int(dispatched.accepted_at.timestamp()),
    }
    return answered(
        {"user_id": call.user_id, "transaction_id": transaction_id, "id": transaction_id, "transaction": shown}
    )


def _line(body: Members, name: str) -> str:
    """Return a short text, trimmed; "" when it was not sent.

    Raises:
        Invalid: It is no text, or too long.
    """
    text = (text_of(body, name) or "").strip()
    if len(text) > MAX_LINE:
        raise Invalid(about(name, f"is longer than {MAX_LINE} characters"))
    return text
