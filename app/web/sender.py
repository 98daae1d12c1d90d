"""`/s`: the owner of a From address confirms it. Imports core front doors.

Source: docs/contract/native.md, section 4, `confirm-email`.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.core import senders
from app.core.senders import SenderStatus
from app.core.transactional import SENDER_PURPOSE
from app.db.unit_of_work import unit_of_work
from app.dependencies import runtime_of
from app.web.pages import page
from app.web.visitors import keys_of


async def confirm(request: Request) -> Response:
    """Make a pending sender ready and say thanks, as often as it is asked; a HEAD confirms nothing.

    Raises:
        NotFound: The token is none of ours, or not for the address that the sender has now.
    """
    runtime = runtime_of(request)
    keys = keys_of(runtime.settings, SENDER_PURPOSE)
    async with unit_of_work(runtime.engine, runtime.queue) as write:
        sender = await senders.confirm(write, keys, request.path_params["token"], looks_only=request.method == "HEAD")
    runtime.keys.forget(sender.account_id)
    return page(request, "sender", address=sender.email, ready=sender.status != SenderStatus.DISABLED)
