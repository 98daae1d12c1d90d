"""The route table of `/rest`: every URL of the classic API on one screen. Source: docs/contract/dyn-email.md, 1.

The method in the first column is the documented one and stands in `/openapi.json`; the others do the same, or for the
paths that appear twice, what their own line says.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import Route

from app.api.dyn import accounts, recipients, senders, suppressions
from app.api.dyn.description import RESPONSES, operation, path_item
from app.api.dyn.envelope import Format
from app.api.dyn.reports import bounces, clicks, complaints, delivered, issues, opens, sent
from app.api.dyn.send import send

PREFIX = "/rest/{type}"

ACCOUNT_FIELDS = (
    "password", "accountname", "companyname", "phone", "address", "city", "state", "zipcode", "country", "timezone",
    "bounce_url", "spam_url", "unsub_url", "bounce_url_active", "spam_url_active", "unsub_url_active",
    "trackopens", "tracklinks", "trackunsubscribes", "generatenewapikey", "forcepwchange",
)  # fmt: skip
SEND_FIELDS = (
    "replyto", "cc", "bcc", "sender", "messageid", "inreplyto", "references", "comments", "keywords", "replyby",
    "importance", "priority", "sensitivity", "resent-date", "resent-from", "resent-sender", "resent-replyto",
    "resent-messageid", "bodytext", "bodyhtml", "xheaders", "content-encoding", "list-unsubscribe",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        method: The documented one.
        also: Methods that do the same.
        path: Below `/rest/{type}`.
        endpoint: What serves it.
        required: Its parameters besides `apikey`.
        optional: The others.
    """

    method: str
    also: tuple[str, ...]
    path: str
    endpoint: Callable[..., Awaitable[Response]]
    required: Sequence[str] = ()
    optional: Sequence[str] = ()


_READ = ("HEAD", "POST")
_SLOTS = ("xheader1", "xheader2", "xheader3", "xheader4")
_ADDRESS = ("emailaddress",)
_RANGE = ("startdate", "enddate", "starttime", "endtime")
_COUNT = ("starttime", "endtime", "startdate", "enddate", "sender", "emailaddress", "recipient", "domain")
_LIST = (*_COUNT, "startindex")
_BOUNCES = ("bouncetype", "noheaders")

TABLE = (
    Line("GET", ("HEAD",), "/accounts", accounts.list_accounts, (), ("startindex", "accountname", "username")),
    Line("POST", (), "/accounts", accounts.save_account, ("username",), ACCOUNT_FIELDS),
    Line("POST", ("GET",), "/accounts/delete", accounts.delete_account, ("username",)),
    Line("GET", ("HEAD",), "/accounts/xheaders", accounts.show_x_headers),
    Line("POST", (), "/accounts/xheaders", accounts.save_x_headers, (), _SLOTS),
    Line("GET", ("HEAD",), "/xheaders", accounts.show_x_headers),
    Line("POST", (), "/xheaders", accounts.save_x_headers, (), _SLOTS),
    Line("GET", ("HEAD",), "/senders", senders.list_senders, (), ("startindex",)),
    Line("POST", (), "/senders", senders.save_sender, _ADDRESS, ("seeding",)),
    Line("GET", _READ, "/senders/details", senders.sender_details, _ADDRESS),
    Line("GET", _READ, "/senders/status", senders.sender_status, _ADDRESS),
    Line("POST", ("GET",), "/senders/dkim", senders.set_dkim, ("emailaddress", "dkim")),
    Line("POST", ("GET",), "/senders/delete", senders.delete_sender, _ADDRESS),
    Line("GET", _READ, "/recipients/status", recipients.recipient_status, _ADDRESS),
    Line("POST", ("GET",), "/recipients/activate", recipients.activate_recipients, _ADDRESS),
    Line("GET", ("HEAD",), "/suppressions", suppressions.list_suppressions, (), (*_RANGE, "startindex")),
    Line("POST", (), "/suppressions", suppressions.add_suppressions, _ADDRESS),
    Line("GET", _READ, "/suppressions/count", suppressions.count_suppressions, (), _RANGE),
    Line("POST", ("GET",), "/suppressions/activate", suppressions.activate_suppressions, _ADDRESS),
    Line("GET", _READ, "/reports/sent", sent.list_sent, (), _LIST),
    Line("GET", _READ, "/reports/sent/count", sent.count_sent, (), _COUNT),
    Line("GET", _READ, "/reports/delivered", delivered.list_delivered, (), _LIST),
    Line("GET", _READ, "/reports/delivered/count", delivered.count_delivered, (), _COUNT),
    Line("GET", _READ, "/reports/bounces", bounces.list_bounces, (), (*_LIST, *_BOUNCES)),
    Line("GET", _READ, "/reports/bounces/count", bounces.count_bounces, (), (*_COUNT, *_BOUNCES)),
    Line("GET", _READ, "/reports/complaints", complaints.list_complaints, (), _LIST),
    Line("GET", _READ, "/reports/complaints/count", complaints.count_complaints, (), _COUNT),
    Line("GET", _READ, "/reports/issues", issues.list_issues, (), _LIST),
    Line("GET", _READ, "/reports/issues/count", issues.count_issues, (), _COUNT),
    Line("GET", _READ, "/reports/opens", opens.list_opens, (), _LIST),
    Line("GET", _READ, "/reports/opens/unique", opens.list_unique_opens, (), _LIST),
    Line("GET", _READ, "/reports/opens/count", opens.count_opens, (), _COUNT),
    Line("GET", _READ, "/reports/opens/count/unique", opens.count_unique_opens, (), _COUNT),
    Line("GET", _READ, "/reports/opens/unique/count", opens.count_unique_opens, (), _COUNT),
    Line("GET", _READ, "/reports/clicks", clicks.list_clicks, (), _LIST),
    Line("GET", _READ, "/reports/clicks/unique", clicks.list_unique_clicks, (), _LIST),
    Line("GET", _READ, "/reports/clicks/count", clicks.count_clicks, (), _COUNT),
    Line("GET", _READ, "/reports/clicks/count/unique", clicks.count_unique_clicks, (), _COUNT),
    Line("GET", _READ, "/reports/clicks/unique/count", clicks.count_unique_clicks, (), _COUNT),
)

router = APIRouter(prefix=PREFIX, tags=["Dyn Email"], redirect_slashes=False)
for line in TABLE:
    described = operation(line.method, line.required, line.optional)
    router.add_api_route(
        line.path,
        line.endpoint,
        methods=[line.method],
        response_model=None,
        responses=RESPONSES,
        openapi_extra=described,
    )
    if line.also:
        router.add_api_route(
            line.path, line.endpoint, methods=list(line.also), response_model=None, include_in_schema=False
        )

_SEND = Route(f"{PREFIX}/send", send, methods=["GET", "POST"], include_in_schema=False)
if _SEND.methods is not None:
    _SEND.methods.discard("HEAD")  # Starlette adds it to GET; here GET sends mail, and HEAD must not

ROUTES: Sequence[Route] = (_SEND,)
"""Plain routes, which take no detour through FastAPI; to be added to the application itself."""

EXPRESS = {(method, f"/rest/{type_}/send"): (send, {"type": type_}) for method in ("GET", "POST") for type_ in Format}
"""The same routes by exact method and path, for `app.api.express`."""

OPENAPI_PATHS: dict[str, dict[str, Any]] = {
    f"{PREFIX}/send": path_item(
        "POST",
        "Send a mail",
        "Accepts one mail for all its recipients. A refusal is a 200 as well, and its `data` contains `Error:`. "
        "Any parameter that begins with `x-` becomes a header. GET does the same.",
        operation("POST", ("from", "to", "subject"), SEND_FIELDS),
    )
}
"""Path items of `ROUTES`."""
