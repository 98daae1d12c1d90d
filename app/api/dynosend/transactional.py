"""Dynosend: `POST /transactional`. Imports the front doors of the core and the modules of this family.

Source: docs/contract/dynosend.md, 10.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from app.api.dynosend.auth import Call, key_of
from app.api.dynosend.envelope import done
from app.api.dynosend.errors import Refused
from app.api.dynosend.params import Checks, as_text, is_blank
from app.core import transactional
from app.core.accounts import Caller, Scope
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.core.messages import Accepted
from app.core.transactional import Hindrance, Sending, Site

NOT_ACTIVE = "The transactional message is not active"
NOT_VERIFIED = "The sending address is not verified"
SENT = "Your message has been sent"

_NAMES = {
    "subject": "subject",
    "html": "htmlBody",
    "text": "textBody",
    "tags": "customTags",
    "headers": "customHeaders",
}
"""What this family calls the core's values."""


async def send(call: Call) -> Response:
    """Send a stored message to one recipient; it is durable when the answer leaves.

    Raises:
        Invalid: Missing or bad parameters, a suppressed recipient.
        NotFound: No such message.
        Forbidden: The key may not send.
        Refused: The message is not active, or its sender not approved.
        QuotaExceeded: The monthly limit would be passed.
        Overloaded: Too much waits, or the account keeps changing.
    """
    checks = call.checks()
    checks.address("recipient")
    uid = checks.uid("transactional_uid")
    subject = checks.text("subject", required=False)
    headers = list(_pairs(checks, "customHeaders"))
    tags = {tag: value.strip() for tag, value in _pairs(checks, "customTags")}
    html, text = checks.text("htmlBody", required=False), checks.text("textBody", required=False)
    checks.done()
    sending = Sending(
        recipient=call.input.text("recipient") or "",
        subject=subject or None,
        tags=tags,
        headers=headers,
        html=html or None,
        text=text or None,
    )
    key = key_of(call.request, call.input) or ""
    hand_over = partial(_hand_over, call, uid=uid, sending=sending)
    accepted = await call.runtime.keys.acting(key, call.caller, Scope.SEND, hand_over)
    return done(SENT, sending_time=int(accepted.accepted_at.timestamp()))


async def _hand_over(call: Call, caller: Caller, uid: str, sending: Sending) -> Accepted:
    runtime = call.runtime
    received_at = runtime.clock.now()
    async with call.writing() as write:
        message = await transactional.get(write, caller.account_id, uid)
        call.require(Scope.SEND)
        try:
            draft = await transactional.prepare(
                write,
                caller,
                message,
                sending,
                site=Site.of(runtime.settings),
                received_at=received_at,
                default_cap=runtime.settings.quota.default_monthly,
            )
        except Conflict as error:
            raise Refused(400, NOT_VERIFIED if error.state == Hindrance.SENDER else NOT_ACTIVE) from None
        except Invalid as error:
            raise Invalid([_named(fault) for fault in error.faults]) from None
    return await runtime.batcher.accept(draft)


def _named(fault: FieldFault) -> FieldFault:
    """Return a fault in this family's words."""
    name = _NAMES.get(fault.field, fault.field)
    message = "format is invalid" if fault.fault is Fault.SYNTAX else fault.message
    return FieldFault(name, fault.fault, message)


def _pairs(checks: Checks, name: str) -> Iterator[tuple[str, str]]:
    """Yield the entries of a list of `{"Name","Value"}` or `{"name","value"}`, or the members of a plain object."""
    given = checks.input.members.get(name)
    if is_blank(given):
        return
    entries = _members(given) if isinstance(given, Mapping) else _entries(given)
    if entries is None or not all(isinstance(part, str) for pair in entries for part in pair):
        checks.fault(name, "format is invalid")
        return
    yield from ((key, value) for key, value in entries if key)


def _entries(given: Any) -> list[tuple[Any, Any]] | None:
    """Return the pairs of a list; None when it is none."""
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        return None
    return [pair for one in given for pair in _members(one)]


def _members(given: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the pair an object stands for, or its members where it is no such pair."""
    names = {name.lower(): name for name in given}
    if {"name", "value"} >= names.keys() and "name" in names:
        value = given[names["value"]] if "value" in names else None
        return [(as_text(given[names["name"]]), _value(value))]
    return [(as_text(name), _value(value)) for name, value in given.items()]


def _value(value: Any) -> Any:
    """Return a text as it is, anything else as `as_text` has it: a header whose value ends a line is none."""
    return value if isinstance(value, str) else as_text(value)
