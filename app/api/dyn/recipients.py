"""Dyn Email Delivery: `/recipients`.

Source: docs/contract/dyn-email.md, section 9.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.address_list import NAME, read_addresses
from app.api.dyn.auth import ParamsDep, Reader, Writer
from app.api.dyn.envelope import ok
from app.api.dyn.errors import FieldsRefused, not_valid
from app.core import suppressions
from app.dependencies import Read, Write

MAX_ASKED = 500
"""Most addresses whose status one call tells."""


async def recipient_status(request: Request, params: ParamsDep, caller: Reader, read: Read) -> Response:
    """Tell of each address whether it is marked as bounced or complained, and whether it is suppressed.

    Raises:
        FieldsRefused: There is no address, or there are more than 500.

    Source: Dyn Email "GET /recipients/status".
    """
    entries = await read_addresses(params)
    if len(entries) > MAX_ASKED:
        raise FieldsRefused([not_valid(NAME)])
    keys = [entry.key for entry in entries]
    marked = await suppressions.marked(read, caller.account_id, keys)
    listed = await suppressions.reasons(read, caller.account_id, keys)
    recipients = [
        {
            "emailaddress": entry.shown,
            "status": "inactive" if entry.key in marked else "active",
            "suppressionstatus": "suppressed" if entry.key in listed else "unsuppressed",
        }
        for entry in entries
    ]
    return ok(request, {"recipients": recipients})


async def activate_recipients(request: Request, params: ParamsDep, caller: Writer, write: Write) -> Response:
    """Clear the bounced and complained marks of addresses; the suppression list stays as it is.

    Source: Dyn Email "POST /recipients/activate".
    """
    entries = await read_addresses(params)
    await suppressions.activate(write, caller.account_id, [entry.key for entry in entries])
    return ok(request, [])
