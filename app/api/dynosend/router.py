"""The route table of Dynosend: every URL on one screen, and what every request goes through.

Order of checks: route, verb, rate limit, credentials; the rest is the endpoint's. The verb may stand in the input, so
a request is read before its route is known, and the framework's routes below only say what there is.

Source: docs/contract/dynosend.md, 1 to 4.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.api.dynosend import audiences, blacklist, campaigns, contacts, events, rate, transactional
from app.api.dynosend.auth import Call, caller_of
from app.api.dynosend.description import path_items
from app.api.dynosend.envelope import CORS
from app.api.dynosend.errors import UNKNOWN_ROUTE, Refused, render
from app.api.dynosend.params import Input, read_input
from app.core.errors import Unauthenticated
from app.dependencies import runtime_of

PREFIX = "/api/v2"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        method: Its verb; HEAD goes with GET.
        path: Below the prefix.
        endpoint: What serves it.
        required: Its parameters besides the credential.
        optional: The others.
    """

    method: str
    path: str
    endpoint: Callable[[Call], Awaitable[Response]]
    required: Sequence[str] = ()
    optional: Sequence[str] = ()


_CONTACT = ("audience_uid", "contact_uid", "email")
_PAGE = ("page", "per_page")

TABLE = (
    Line("GET", "/audiences", audiences.show, (), ("audience_uid",)),
    Line("POST", "/audiences/add-field", audiences.add_field, ("audience_uid", "type", "label", "tag"),
         ("required", "visible", "default_value")),
    Line("GET", "/contacts", contacts.show, ("audience_uid",), ("contact_uid", "email", *_PAGE)),
    Line("POST", "/contacts", contacts.create, ("audience_uid", "EMAIL"), ("tag", "ignore_doi")),
    Line("DELETE", "/contacts", contacts.delete, _CONTACT),
    Line("GET", "/contacts/duplicate", contacts.duplicates, ("email",)),
    Line("PATCH", "/contacts/update", contacts.update, _CONTACT, ("new_email", "tag")),
    Line("PATCH", "/contacts/addtag", contacts.add_tag, (*_CONTACT, "tag")),
    Line("PATCH", "/contacts/subscribe", contacts.subscribe, _CONTACT),
    Line("PATCH", "/contacts/unsubscribe", contacts.unsubscribe, _CONTACT),
    Line("POST", "/events", events.record, (*_CONTACT, "event_name")),
    Line("GET", "/campaigns", campaigns.show, (), ("campaign_uid",)),
    Line("POST", "/campaigns/start", campaigns.start, ("campaign_uid",)),
    Line("POST", "/campaigns/pause", campaigns.pause, ("campaign_uid",)),
    Line("POST", "/campaigns/resume", campaigns.resume, ("campaign_uid",)),
    Line("POST", "/transactional", transactional.send, ("recipient", "transactional_uid"),
         ("subject", "customHeaders", "customTags", "htmlBody", "textBody")),
    Line("POST", "/blacklist", blacklist.check, ("email",)),
    Line("POST", "/blacklist/add", blacklist.add, ("email",)),
)  # fmt: skip

_LINES: dict[str, dict[str, Line]] = {}
for line in TABLE:
    _LINES.setdefault(line.path, {})[line.method] = line

_OVERRIDES = frozenset({"PUT", "PATCH", "DELETE"})
_PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*, Authorization",
    "Access-Control-Max-Age": "86400",
}


async def serve(request: Request) -> Response:
    """Answer a request to any URL of the family; errors of the core are rendered by the application."""
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=_PREFLIGHT)
    try:
        return await _served(request)
    except Refused as error:  # to the application it would be a crash
        return render(request, error)


async def _served(request: Request) -> Response:
    """Answer any other request.

    Raises:
        Refused: No such route, a verb it does not take, too fast, or a body that cannot be read.
        Unauthenticated: No good key.
    """
    runtime = runtime_of(request)
    input_ = await read_input(request, limit=2 * runtime.settings.send.max_message_bytes)
    caller = await caller_of(request, runtime, input_)
    taken = await rate.take(request, runtime, caller)
    line = _line_of(request, input_)
    rate.check(taken)
    if caller is None:
        raise Unauthenticated("no good key")
    response = await line.endpoint(Call(request, runtime, caller, input_))
    response.headers.update(getattr(request.state, "dynosend_headers", {}))
    return response


def _line_of(request: Request, input_: Input) -> Line:
    """Return the line of the table a request is for.

    Raises:
        Refused: There is none, or none for its verb.
    """
    lines = _LINES.get(request.scope["path"].removeprefix(PREFIX))
    if lines is None:
        raise Refused(UNKNOWN_ROUTE.status, UNKNOWN_ROUTE.message)
    verb = request.method
    if verb == "POST":
        wanted = request.headers.get("x-http-method-override") or input_.text("_method") or ""
        verb = wanted.strip().upper() if wanted.strip().upper() in _OVERRIDES else verb
    line = lines.get("GET" if verb == "HEAD" else verb)
    if line is None:
        message = f"The {verb} method is not supported for this route. Supported methods: {', '.join(lines)}."
        allowed = [name for verb in lines for name in ((verb, "HEAD") if verb == "GET" else (verb,))]
        raise Refused(405, message, {"Allow": ", ".join(allowed)})
    return line


class _Rest:
    """Takes what the routes below do not: other verbs, which the input may turn into a known one, and unknown paths."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        response = await serve(Request(scope, receive))
        await response(scope, receive, send)


def _named(line: Line) -> Callable[[Request], Awaitable[Response]]:
    """Return `serve` by the name of what serves the line, for those who ask what there is."""

    @wraps(line.endpoint)
    async def endpoint(request: Request) -> Response:
        return await serve(request)

    return endpoint


ROUTES: Sequence[Route] = (
    *(Route(f"{PREFIX}{line.path}", _named(line), methods=[line.method], include_in_schema=False) for line in TABLE),
    Route(PREFIX, _Rest(), include_in_schema=False),
    Route(f"{PREFIX}/{{rest:path}}", _Rest(), include_in_schema=False),
)
"""To be added to the application itself."""

OPENAPI_PATHS: dict[str, dict[str, Any]] = path_items(
    PREFIX, [(line.method, line.path, line.required, line.optional) for line in TABLE]
)
"""Path items of `ROUTES`."""
