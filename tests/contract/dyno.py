"""Good requests of Dyno's endpoints, how they are asked, and what endpoints.yaml says of the answers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.documents import Endpoint
from tests.contract.runner import find, parse
from tests.contract.wire import Answer, Connection

JSON = "application/json"
ENVELOPE = {"envelope", "top", "data", "items", "item", "rejected_item"}
"""Members of `response` that do not name an object in `data`."""
ERROR = ["has_error", "error_code", "error_message", "error message", "data"]
FIRST = "{first}"
"""Stands for the id of what was made before."""


@dataclass(frozen=True, slots=True)
class Good:
    """A request that succeeds; `{n}` is another number each time, `${...}` a variable of vectors.yaml."""

    given: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[str, Mapping[str, Any]] | None = None
    """What has to be posted before: path and members."""
    is_once: bool = False
    """Whether it changes what other tests need as it was, and needs a service of its own."""


_NAMED = {"name": "New {n}"}
_AHEAD = {"iso_start_time": "2037-01-20T09:00:00", "time_zone": "Asia/Ho_Chi_Minh"}
_DRAFT = {"campaign_id": "${campaign.id}"}
_PAUSED = {"id": "${campaign_paused.id}"}
_MAIL = {"email_content": "<p>Hello {{name}}</p>", "subject": "Hi"}

GOOD: Mapping[str, Good] = {
    "dyno.templates.get": Good({"id": "${template.id}"}),
    "dyno.templates.create": Good({**_NAMED, "content": "<p>x</p>"}),
    "dyno.templates.update": Good({"id": "${template.id}", "subject": "S {n}"}),
    "dyno.templates.delete": Good({"id": FIRST}, ("/templates", _NAMED)),
    "dyno.templates.find": Good({"id": "${template.id}"}),
    "dyno.templates.count": Good(),
    "dyno.lists.get": Good({"id": "${list.id}"}),
    "dyno.lists.create": Good({**_NAMED, "subscribers": "a@x.example, b@x.example"}),
    "dyno.lists.update": Good({"id": "${list.id}", "description": "D {n}"}),
    "dyno.lists.delete": Good({"id": FIRST}, ("/lists", _NAMED)),
    "dyno.lists.find": Good({"id": "${list.id}"}),
    "dyno.lists.count": Good(),
    "dyno.campaigns.get": Good({"id": "${campaign.id}"}),
    "dyno.campaigns.create": Good({**_NAMED, "list_id": "${list.id}", "template_id": "${template.id}"}),
    "dyno.campaigns.update": Good({"id": "${campaign.id}", "preview_message": "P {n}"}),
    "dyno.campaigns.delete": Good({"id": FIRST}, ("/campaigns", _NAMED)),
    "dyno.campaigns.find": Good({"id": "${campaign.id}"}),
    "dyno.campaigns.count": Good(),
    "dyno.campaign_process.init": Good({**_DRAFT, **_AHEAD, "subject": "Tet"}, is_once=True),
    "dyno.campaign_process.update_and_resume": Good({"campaign_id": _PAUSED["id"], "subject": "S"}, is_once=True),
    "dyno.campaign_process.reschedule": Good({**_DRAFT, **_AHEAD}, is_once=True),
    "dyno.campaign_process.cancel_schedule": Good(
        {"id": FIRST}, ("/campaign_process/init", {**_DRAFT, **_AHEAD}), is_once=True
    ),
    "dyno.campaign_process.stop": Good(_PAUSED, is_once=True),
    "dyno.campaign_process.pause": Good(_PAUSED),
    "dyno.campaign_process.resume": Good(_PAUSED, is_once=True),
    "dyno.transactions.send": Good({**_MAIL, "email_list": [{"email": "a@x.example", "name": "Ann"}, "bad"]}),
}


async def send(
    connection: Connection,
    method: str,
    path: str,
    given: Mapping[str, Any],
    *,
    key: str | None,
    content_type: str = JSON,
    header: str = "User-Api-Key",
) -> Answer:
    """Send members as a client would, the id in the path; None leaves the credential out."""
    headers = {} if key is None else {header: f"Bearer {key}" if header == "Authorization" else key}
    target = re.sub(r"\{(\w+)\}", lambda part: str(given.get(part[1], "x")), path)
    if method not in {"POST", "PUT"}:
        return await connection.ask(method, target, headers)
    members = {name: value for name, value in given.items() if f"{{{name}}}" not in path}
    body = json.dumps(members).encode()
    return await connection.ask(method, target, {**headers, "Content-Type": content_type}, body)


def check_answer(answer: Answer, endpoint: Endpoint) -> None:
    """Compare a success with its entry: keys and their order everywhere, and that lists show something.

    Raises:
        AssertionError: Something differs.
    """
    response = endpoint.entry["response"]
    assert answer.status == endpoint.entry["success"], answer.body
    assert answer.headers["content-type"] == JSON
    body = parse(answer.body)
    assert list(body) == response["top"]
    assert (body["has_error"], body["error_code"]) == (False, "")
    data = body["data"]
    assert list(data) == response["data"]
    for name in set(response) - ENVELOPE:
        check_keys(data[name], response[name])
    if "items" in response:
        items = find(body, f"$.{response['items']}")
        assert items, "an empty list shows nothing"
        for one in items:
            check_keys(one, response["item"])
    if "rejected_item" in response:
        for one in data["transaction"]["rejected"]:
            check_keys(one, response["rejected_item"])


def check_keys(found: Mapping[str, Any], documented: list[str]) -> None:
    """Compare names in their order; nothing stored stands for `<extra>` here.

    Raises:
        AssertionError: They differ.
    """
    assert list(found) == [name for name in documented if name != "<extra>"]


def check_error(answer: Answer, case: Mapping[str, Any]) -> None:
    """Compare an error with an entry of `bad`.

    Raises:
        AssertionError: Something differs.
    """
    assert answer.status == case["status"], answer.body
    assert answer.headers["content-type"] == JSON
    body = parse(answer.body)
    assert list(body) == ERROR
    assert (body["has_error"], body["error_code"], body["data"]) == (True, case["error_code"], {})
    assert body["error_message"] == body["error message"] == case.get("error_message", body["error_message"])
