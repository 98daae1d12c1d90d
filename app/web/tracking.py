"""`/t/o` and `/t/c`: the pixel and the click. Imports `app.core.tracking`, `app.mail.tracking`.

Both are answered when their event is durable; a database that is away or a full queue costs the event's certainty,
never the visitor's answer.

Source: docs/contract/dyn-email.md, section 13.
"""

from base64 import b64decode
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.tracking import Busy
from app.db.engine import DatabaseAway
from app.dependencies import runtime_of
from app.mail.tracking import Purpose, read, read_click
from app.web.pages import PRIVATE
from app.web.visitors import agent_of, ip_of, keys_of

GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent pixel."""
_PIXEL = Response(GIF, headers=PRIVATE, media_type="image/gif")
"""The same answer for all: it is sent, and never changed."""


async def opened(request: Request) -> Response:
    """Answer the pixel, and record an open when the token is one of ours; a HEAD records nothing."""
    runtime = runtime_of(request)
    if request.method == "GET":
        found = read(keys_of(runtime.settings, "tracking"), request.path_params["token"], Purpose.OPEN)
        if found is not None:
            accepted_at = datetime.fromtimestamp(found[0], UTC)
            with suppress(Busy, DatabaseAway):  # what could be kept waits in the batcher
                await runtime.events.opened(found[1], accepted_at, ip=ip_of(request), user_agent=agent_of(request))
    return _PIXEL


async def clicked(request: Request) -> Response:
    """Redirect to a link's target, and record a click; a HEAD records nothing.

    Raises:
        NotFound: The token is none of ours, or its mail or link is gone.
        DatabaseAway: Nobody can tell where it leads.
    """
    runtime = runtime_of(request)
    found = read_click(keys_of(runtime.settings, "tracking"), request.path_params["token"])
    url = await runtime.destinations.of(*found) if found is not None else None
    if found is None or url is None:
        raise NotFound("no such link")
    if request.method == "GET":
        accepted_at, link = datetime.fromtimestamp(found[0], UTC), found[2]
        visitor = {"ip": ip_of(request), "user_agent": agent_of(request)}
        with suppress(Busy, DatabaseAway):  # as above
            await runtime.events.clicked(found[1], accepted_at, link=link, url=url, **visitor)
    return Response(status_code=302, headers={**PRIVATE, "Location": url})
