"""Dynosend: the blacklist, which is the account's suppression list. Source: docs/contract/dynosend.md, 11."""

from collections.abc import Mapping

from starlette.responses import Response

from app.api.dynosend.auth import Call
from app.api.dynosend.envelope import json_answer, moment, nothing
from app.core import contacts, suppressions
from app.core.accounts import Scope
from app.core.suppressions import Reason

_REASONS: Mapping[Reason, str | None] = {
    Reason.HARDBOUNCE: "bounced",
    Reason.SOFTBOUNCE: "bounced",
    Reason.COMPLAINT: "complained",
    Reason.MANUAL: "manual",
    Reason.UNSUBSCRIBE: None,
}
"""What an entry's reason is called here; None: it counts as not listed."""


async def check(call: Call) -> Response:
    """Tell whether an address is on the list (11.1).

    Raises:
        Invalid: The address is missing or bad.
        Forbidden: The key may not read.
    """
    email = _email(call)
    call.require(Scope.READ)
    async with call.reading() as read:
        entry = await suppressions.get(read, call.account_id, email)
    reason = _REASONS[entry.reason] if entry else None
    return json_answer(
        {
            "status": "success",
            "email": email,
            "blacklisted": reason is not None,
            "blacklist_time": moment(entry.created_at) if entry and reason else None,
            "reason": reason,
        }
    )


async def add(call: Call) -> Response:
    """Put an address on the list (11.2).

    Raises:
        Invalid: The address is missing or bad.
        Forbidden: The key may not write.
    """
    email = _email(call)
    call.require(Scope.WRITE)
    async with call.writing() as write:
        await contacts.suppress(write, call.account_id, [email], Reason.MANUAL)
    return nothing()


def _email(call: Call) -> str:
    """Return the address that is asked about.

    Raises:
        Invalid: It is missing or bad.
    """
    checks = call.checks()
    email = checks.address("email", "EMAIL")
    checks.done()
    return email
