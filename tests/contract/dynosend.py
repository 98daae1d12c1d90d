"""Good requests of Dynosend's endpoints, the ways its parameters travel, and what endpoints.yaml says of its answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.contract.documents import Endpoint
from tests.contract.runner import parse
from tests.contract.wire import Answer, Connection

CARRIERS = ("json", "query", "form", "multipart")
BOUNDARY = "BOUND"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PLAIN = {"envelope", "top", "items", "item", "message", "fields_item"}
"""Members of `response` that do not name an object of the answer."""


@dataclass(frozen=True, slots=True)
class Good:
    """A request that succeeds; `{n}` is another number each time, `${...}` a variable of vectors.yaml."""

    given: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, str, Mapping[str, str]] | None = None
    """What has to be asked before: method, path and parameters."""
    is_once: bool = False
    """Whether it succeeds only once, and needs a service of its own."""


_CONTACT = {"audience_uid": "${audience.uid}", "email": "${contact.email}"}
_OTHER = {"audience_uid": "${audience.uid}", "email": "${contact2.email}"}
_NEW = {"audience_uid": "${audience.uid}", "EMAIL": "new{n}@example.org"}
_MESSAGE = {"transactional_uid": "${message_internal.uid}", "recipient": "someone@example.org"}

GOOD: Mapping[str, Good] = {
    "dynosend.audiences.list": Good(),
    "dynosend.audiences.get": Good({"audience_uid": "${audience.uid}"}),
    "dynosend.audiences.add-field": Good(
        {"audience_uid": "${audience_doi.uid}", "type": "number", "label": "Number {n}", "tag": "NUMBER_{n}"}
    ),
    "dynosend.contacts.list": Good({"audience_uid": "${audience.uid}", "per_page": "3"}),
    "dynosend.contacts.create": Good({**_NEW, "PLAN_NAME": "Standard", "tag": "a,b"}),
    "dynosend.contacts.get": Good(_CONTACT),
    "dynosend.contacts.duplicate": Good({"email": "${contact.email}"}),
    "dynosend.contacts.update": Good({**_CONTACT, "tag": "first,second"}),
    "dynosend.contacts.addtag": Good({**_CONTACT, "tag": "tag{n}"}),
    "dynosend.contacts.subscribe": Good(_OTHER),
    "dynosend.contacts.unsubscribe": Good(_OTHER),
    "dynosend.events.send": Good({**_CONTACT, "event_name": "payment_completed", "amount": "12"}),
    "dynosend.contacts.delete": Good(
        {"audience_uid": "${audience.uid}", "email": "new{n}@example.org"}, ("POST", "/api/v2/contacts", _NEW)
    ),
    "dynosend.campaigns.list": Good(),
    "dynosend.campaigns.get": Good({"campaign_uid": "${campaign_done.uid}"}),
    "dynosend.campaigns.start": Good({"campaign_uid": "${campaign.uid}"}, is_once=True),
    "dynosend.campaigns.pause": Good({"campaign_uid": "${campaign_paused.uid}"}),
    "dynosend.campaigns.resume": Good({"campaign_uid": "${campaign_paused.uid}"}, is_once=True),
    "dynosend.transactional.send": Good(_MESSAGE),
    "dynosend.blacklist.check": Good({"email": "${contact_blacklisted.email}"}),
    "dynosend.blacklist.add": Good({"email": "unwanted{n}@example.org"}),
}


async def send(
    connection: Connection,
    method: str,
    path: str,
    given: Mapping[str, str],
    *,
    key: str | None,
    carrier: str = "json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send parameters in one of the ways of docs/contract/dynosend.md, 2; None leaves the credential out."""
    sent = dict(headers or {})
    if key:
        sent["Authorization"] = f"Bearer {key}"
    if carrier == "query":
        return await connection.ask(method, f"{path}?{urlencode(given)}" if given else path, sent)
    if carrier == "form":
        return await connection.ask(method, path, {**sent, "Content-Type": FORM}, urlencode(given).encode())
    if carrier == "multipart":
        sent["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        return await connection.ask(method, path, sent, multipart(given))
    return await connection.ask(method, path, {**sent, "Content-Type": JSON}, json.dumps(given).encode())


def multipart(given: Mapping[str, str]) -> bytes:
    """Return fields as multipart/form-data."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in given.items()
    ]
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()


def check_answer(answer: Answer, endpoint: Endpoint) -> None:
    """Compare a success with its entry: keys and their order, message, items.

    Raises:
        AssertionError: Something differs.
    """
    response = endpoint.entry["response"]
    assert answer.status == endpoint.entry["success"], answer.body
    assert answer.headers["access-control-allow-origin"] == "*"
    if response["envelope"] == "empty":
        assert answer.body == b""
        return
    assert answer.headers["content-type"] == JSON
    body = parse(answer.body)
    if response["envelope"] == "object":
        assert list(body) == response["top"]
    if "message" in response:
        assert (body["status"], body["message"]) == ("success", response["message"])
    for name in set(response) - PLAIN:
        check_keys(body[name], response[name])
    if "fields_item" in response:
        assert len(body["audience"]["fields"]) > 1
        for one in body["audience"]["fields"]:
            check_keys(one, response["fields_item"])
    if "items" in response:
        items = body if response["items"] == "$" else body[response["items"]]
        assert items, "an empty list shows nothing"
        for one in items:
            check_keys(one, response["item"])


def check_keys(found: Mapping[str, Any], documented: Sequence[str]) -> None:
    """Compare names in their order; `<CUSTOM_TAGS>` at the end stands for any fields of the audience.

    Raises:
        AssertionError: They differ.
    """
    names = [name for name in documented if name != "<CUSTOM_TAGS>"]
    assert list(found)[: len(names)] == names
    rest = list(found)[len(names) :]
    assert not rest or "<CUSTOM_TAGS>" in documented, rest
    assert all(name == name.upper() for name in rest)
