"""What is asked of an endpoint: a good request for each entry of endpoints.yaml, and how parameters travel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from tests.contract.documents import Endpoint
from tests.contract.fixtures import World
from tests.contract.wire import Answer, Connection

FORM = "application/x-www-form-urlencoded"
ACCEPT = {"json": "application/json", "xml": "application/xml", "html": "text/html"}
TYPES = {"json": "application/json", "xml": "text/xml; charset=utf-8", "html": "text/html; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways to reach an endpoint."""

    endpoint: Endpoint
    method: str
    path: str
    format: str

    def __str__(self) -> str:
        return f"{self.endpoint.id}-{self.method}-{self.path.removeprefix('/rest/{type}')}-{self.format}"


@dataclass(frozen=True, slots=True)
class Good:
    """A request that succeeds."""

    given: Mapping[str, str] = field(default_factory=dict)
    """Path parts included; `{n}` is another number each time, `${...}` a variable of vectors.yaml."""
    account: str = "master"
    first: tuple[str, Mapping[str, str]] | None = None
    """What has to be posted before: path below /rest/json, and parameters."""


_REPORT = Good({"starttime": "2016-11-22", "endtime": "2016-11-23"}, "sub_a")
_NOW = Good(
    {}, "master", ("/send", {"from": "no@example.net", "to": "jo@example.org", "subject": "S", "bodytext": "t"})
)
_TIMES = Good({"start_time": "1479686400", "end_time": "1479945600"}, "sub_a")
_OWN = Good({"emailaddress": "sender1@example.com"})
_DOOMED = {"emailaddress": "doomed@example.com"}
_SELECTOR = {"emailaddress": "sender1@example.com", "dkim": "mail1"}
_NEW = {"username": "new{n}@example.com", "password": "s3cret", "accountname": "New {n}"}
_PARTS = {"user_id": "${sub_a.user_id}", "sender_id": "${sender.a1}", "bounce_time": "1479772803"}

GOOD: Mapping[str, Good] = {
    "dyn-email.accounts.list": Good(),
    "dyn-email.accounts.save": Good(_NEW),
    "dyn-email.accounts.xheaders.get": Good(),
    "dyn-email.accounts.xheaders.set": Good({"xheader1": "X-Campaign", "xheader2": "X-Region"}),
    "dyn-email.accounts.delete": Good({"username": "doomed{n}@example.com"}, first=("/accounts", {**_NEW, "username": "doomed{n}@example.com"})),
    "dyn-email.send": Good({"from": "sender1@example.com", "to": "jo@example.org", "subject": "Hi", "bodytext": "x"}),
    "dyn-email.senders.list": Good(),
    "dyn-email.senders.details": Good(_OWN.given, first=("/senders/dkim", _SELECTOR)),
    "dyn-email.senders.status": _OWN,
    "dyn-email.senders.save": Good({"emailaddress": "new{n}@example.com"}),
    "dyn-email.senders.dkim": Good(_SELECTOR),
    "dyn-email.senders.delete": Good(_DOOMED, first=("/senders", {**_DOOMED, "seeding": "1"})),
    "dyn-email.recipients.status": Good({"emailaddress": "gone@example.org"}, "sub_a"),
    "dyn-email.recipients.activate": Good({"emailaddress": "gone@example.org"}),
    "dyn-email.suppressions.list": Good({}, "sub_a"),
    "dyn-email.suppressions.count": Good({}, "sub_a"),
    "dyn-email.suppressions.add": Good({"emailaddress": "new@example.org"}),
    "dyn-email.suppressions.activate": Good({"emailaddress": "new@example.org"}),
    "dyn-email.reports.issues": _NOW,
    "dyn-email.reports.complaints": Good(_REPORT.given, "sub_b"),
    "dyn-metrics.bounce": Good({**_PARTS, "email_id": "${e1.email_id}"}, "sub_a"),
    "dyn-metrics.bounce.categories": Good(),
    "dyn-metrics.blocked-email.reasons": Good(),
}  # fmt: skip


def good_of(endpoint: Endpoint) -> Good:
    """Return a request that succeeds and, where the answer is a list, finds something."""
    if endpoint.id in GOOD:
        return GOOD[endpoint.id]
    assert endpoint.family == "dyn-metrics" or ".reports." in endpoint.id, f"what is a good request of {endpoint.id}?"
    return _TIMES if endpoint.family == "dyn-metrics" else _REPORT


def ways(endpoint: Endpoint) -> list[Way]:
    """Return every documented verb at every path in every format."""
    return [
        Way(endpoint, method, path, format_)
        for method in endpoint.methods
        for path in endpoint.paths
        for format_ in TYPES
    ]


async def ask(
    connection: Connection, way: Way, key: str | None, given: Mapping[str, str], *, slash: str = "", method: str = ""
) -> Answer:
    """Send parameters as a client would: path parts in the path, the others in the query of a GET or in a form.

    Args:
        connection: To the service.
        way: Where to.
        key: None leaves the credential out.
        given: Path parts and parameters.
        slash: What stands behind the path.
        method: Instead of the way's.
    """
    method = method or way.method
    path = re.sub(
        r"\{(\w+)\}",
        lambda part: way.format if part[1] == "type" else quote(given.get(part[1], "x"), safe=""),
        way.path,
    )
    parameters = {name: value for name, value in given.items() if f"{{{name}}}" not in way.path}
    headers: dict[str, str] = {}
    if way.endpoint.family == "dyn-email":
        parameters = {"apikey": key, **parameters} if key else parameters
    else:
        headers["Accept"] = ACCEPT[way.format]
        if key:
            headers["Authorization"] = f"apikey={key}"
    text = urlencode(parameters)
    if method == "POST":
        return await connection.ask(method, path + slash, {**headers, "Content-Type": FORM}, text.encode())
    return await connection.ask(method, f"{path}{slash}?{text}" if text else path + slash, headers)


def filled(world: World, given: Mapping[str, str], number: int) -> dict[str, str]:
    """Return parameters with the variables and the number filled in."""
    return {name: world.text(value, {}).replace("{n}", str(number)) for name, value in given.items()}
