"""Dynosend: what customers do, told by the customer's own application. Source: docs/contract/dynosend.md, 8."""

import re

from starlette.responses import Response

from app.api.dynosend.auth import Call
from app.api.dynosend.contacts import rightful
from app.api.dynosend.envelope import nothing
from app.core import contacts

_NAME = re.compile(r"[A-Za-z0-9_]{1,100}\Z")
_OWN = frozenset({"audience_uid", "contact_uid", "email", "EMAIL", "event_name", "api_token", "_method"})
"""Parameters that are no properties of the event."""


async def record(call: Call) -> Response:
    """Record an event of a contact.

    Raises:
        Invalid: A parameter is missing or bad, or the properties are too large.
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    checks = call.checks()
    audience, which = checks.uid("audience_uid"), checks.contact()
    name = checks.text("event_name")
    if name and not _NAME.match(name):
        checks.fault("event_name", "format is invalid")
    checks.done()
    properties = {key: value for key, value in call.input.members.items() if key not in _OWN}
    async with call.writing() as write:
        contact = await rightful(call, write, audience, which)
        await contacts.record_event(
            write, call.account_id, contact.audience_id, contact.id, name=name, properties=properties
        )
    return nothing()
