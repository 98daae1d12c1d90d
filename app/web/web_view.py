"""`/w`: the mail as a page. Imports core front doors.

The page is its author's, on our origin: it runs in a sandbox of its own, without scripts, forms and our storage.

Source: docs/contract/dyn-email.md, section 13.
"""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.core import tracking
from app.core.errors import NotFound
from app.db.unit_of_work import reading
from app.dependencies import runtime_of
from app.mail.tracking import Purpose
from app.web.pages import PRIVATE
from app.web.visitors import links_of, named_copy

SANDBOX = (
    # No allow-scripts, allow-same-origin or allow-forms; links may be followed.
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src http: https: data:; "
    "media-src http: https:; font-src http: https: data:; style-src 'unsafe-inline' http: https:; "
    "form-action 'none'; frame-ancestors 'none'"
)


async def show(request: Request) -> Response:
    """Show the mail of a copy as its recipient would see it, untracked.

    Raises:
        NotFound: The token is none of ours, or its mail is gone.
    """
    runtime = runtime_of(request)
    message_id, accepted_at = named_copy(request, Purpose.WEB_VIEW)
    async with reading(runtime.engine) as read:
        copy = await tracking.copy_of(read, message_id, accepted_at)
        html = await tracking.web_view(read, copy, links_of(runtime.settings)) if copy is not None else None
    if html is None:
        raise NotFound("no such mail")
    return HTMLResponse(html, headers={**PRIVATE, "Content-Security-Policy": SANDBOX})
