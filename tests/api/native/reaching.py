"""How somebody else would reach for the things of an account, at every endpoint of the native API."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.api.native.calling import BASE
from tests.api.native.operations import native_document, operations
from tests.api.native.victim import RECIPIENT, SENDER

RANGE = {"start": "2016-11-01T00:00:00Z", "end": "2016-12-01T00:00:00Z"}
CONDITIONS = {"conditions": [{"type": "status", "op": "is", "value": "subscribed"}]}


@dataclass(frozen=True)
class Reach:
    """How somebody else reaches for the victim's things.

    Attributes:
        allowed: Statuses that say there is nothing, or nothing of that kind.
        body: JSON, in which `{name}` stands for what the victim has.
        query: The same.
        files: Parts of a form.
        own: The thing above in the path may be one's own as well.
        control: Whether the victim itself must get another answer; statuses it may get besides.
    """

    allowed: tuple[int, ...] = (404,)
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    files: dict[str, Any] | None = None
    own: bool = False
    control: tuple[int, ...] = (200, 201, 202, 204)


MINE = (200,)
"""A list or a report: it is there, with nothing of the victim's in it."""
ADMIN = Reach((403,), control=(403,))
"""For who operates the server alone."""
NOTHING = Reach((200, 201, 202, 204), control=(200, 201, 202, 204))
"""Names no thing of anybody's."""
FILE = {"file": ("a.csv", b"EMAIL\nnew@other.example\n", "text/csv")}

ENTRIES: dict[str, Reach | list[Reach]] = {
    "GET /jobs": Reach(MINE),
    "GET /jobs/{id}": Reach(),
    "POST /jobs/{id}/cancel": Reach(control=(200, 409)),
    "GET /jobs/{id}/errors": Reach(),
    "GET /jobs/{id}/result": Reach(control=(404,)),
    "POST /audiences/{id}/imports": Reach(files=FILE),
    "POST /suppressions/imports": Reach((202,), files={"file": ("a.csv", b"email\nnew@other.example\n", "text/csv")}),
    "POST /audiences/{id}/exports": [
        Reach(body={}),
        Reach((404, 422), body={"filter": {"segment_id": "{segment}"}}, own=True, control=(202,)),
    ],
    "POST /suppressions/exports": Reach((202,), body={}),
    "POST /audiences/{id}/contacts/bulk": [
        Reach(body={"action": "add_tags", "tags": ["x"]}),
        Reach((404, 422), body={"action": "delete", "filter": {"segment_id": "{segment}"}}, own=True, control=(202,)),
    ],
    "GET /system/health": NOTHING,
    "GET /system/ready": Reach((200, 503), control=(200, 503)),
    "GET /system/version": NOTHING,
    "GET /system/metrics": ADMIN,
    "GET /system/settings": ADMIN,
    "PATCH /system/settings": Reach((403,), body={}, control=(403,)),
    "GET /system/queue": ADMIN,
    "POST /system/queue/flush": ADMIN,
    "GET /account": Reach(MINE),
    "PATCH /account": Reach((409, 422), body={"username": "{username}"}, control=(200,)),
    "GET /accounts": [Reach(MINE), Reach((200, 400, 404), query={"parent_id": "{account}"}, control=(200,))],
    "POST /accounts": Reach(
        (403, 409, 422), body={"username": "{username}", "password": "long enough"}, control=(409,)
    ),
    "GET /accounts/{account_id}": Reach(),
    "PATCH /accounts/{account_id}": Reach((403, 404), body={"account_name": "x"}, control=(200,)),
    "DELETE /accounts/{account_id}": Reach((403, 404), control=(409,)),
    "POST /accounts/{account_id}/rotate-key": Reach((403, 404)),
    "GET /api-keys": Reach(MINE),
    "POST /api-keys": Reach((201,), body={"name": "x", "scopes": ["read"]}),
    "GET /api-keys/{key_id}": Reach(),
    "PATCH /api-keys/{key_id}": Reach(body={"name": "x"}),
    "DELETE /api-keys/{key_id}": Reach(),
    "GET /audit-log": [
        Reach(MINE),
        Reach((200, 400), query={"object": "audience", "actor": "{account}"}, control=(200, 400)),
    ],
    "GET /sandbox/messages": [Reach(MINE), Reach(MINE, query={"to": RECIPIENT})],
    "DELETE /sandbox/messages": Reach((204,)),
    "GET /sandbox/messages/{message_id}": Reach(),
    "GET /sandbox/messages/{message_id}/raw": Reach(),
    "GET /events": [
        Reach(MINE),
        Reach(MINE, query={"recipient": RECIPIENT}),
        Reach(MINE, query={"email_id": "{email_id}"}),
        Reach(MINE, query={"campaign_id": "{campaign}"}),
        Reach(MINE, query={"sender_id": "{sender_id}"}),
    ],
    "POST /events": Reach((403,), body={"events": []}, control=(403,)),
    "GET /events/{id}": Reach(),
    "POST /inbound": ADMIN,
    "GET /messages": [
        Reach(MINE),
        Reach(MINE, query={"recipient": RECIPIENT, "count": "true"}),
        Reach(MINE, query={"campaign_id": "{campaign}"}),
        Reach(MINE, query={"sender_id": "{sender_id}"}),
        Reach(MINE, query={"x_header": "X-Shop:hidden"}),
    ],
    "GET /messages/{email_id}": Reach(),
    "GET /metrics/summary": [
        Reach(MINE, query={**RANGE, **filters})
        for filters in (
            {},
            {"account_id": "{account}"},
            {"sender_id": "{sender_id}"},
            {"campaign_id": "{campaign}"},
            {"audience_id": "{audience}"},
            {"domain": "victim.example"},
        )
    ],
    "GET /metrics/timeseries": [
        Reach(MINE, query={**RANGE, "metrics": "accepted,opens", "group_by": by})
        for by in ("account", "sender", "campaign", "domain")
    ],
    "GET /metrics/top": [
        Reach(MINE, query={**RANGE, "metric": metric, "by": by})
        for metric, by in (("accepted", "sender"), ("hard_bounces", "category"), ("clicks", "link"))
    ],
    "GET /why": Reach(MINE, query={"recipient": RECIPIENT, "campaign_id": "{campaign}"}),
    "GET /senders": [Reach(MINE), Reach(MINE, query={"q": "victim"})],
    "POST /senders": Reach((201, 409), body={"email": "own@other.example"}),
    "GET /senders/{id}": Reach(),
    "PATCH /senders/{id}": Reach(body={"name": "x"}),
    "DELETE /senders/{id}": Reach(),
    "GET /senders/{id}/dns": Reach(),
    "POST /senders/{id}/verify": Reach(),
    "POST /senders/{id}/confirm-email": Reach(control=(202, 422, 503)),
    "POST /senders/{id}/dkim": Reach(body={"selector": "mail1"}),
    "GET /suppressions": [Reach(MINE), Reach(MINE, query={"q": "victim"})],
    "POST /suppressions": Reach(MINE, body={"emails": ["somebody@other.example"]}),
    "GET /suppressions/{email}": Reach(),
    "DELETE /suppressions/{email}": Reach((204, 404), query={"clear_mark": "true"}),
    "GET /postback-deliveries": Reach(MINE),
    "POST /postback-deliveries/{id}/retry": Reach(),
    "GET /templates": Reach(MINE),
    "POST /templates": Reach((201,), body={"name": "own"}),
    "POST /templates/render": Reach((404, 422), body={"subject": "x", "contact_id": "{contact}"}),
    "GET /templates/{id}": Reach(),
    "PATCH /templates/{id}": Reach(body={"name": "x"}),
    "DELETE /templates/{id}": Reach(),
    "POST /templates/{id}/render": Reach(body={}),
    "POST /templates/{id}/test-send": Reach(
        body={"from_email": "own@other.example", "recipients": [RECIPIENT]}, control=(202, 422)
    ),
    "GET /campaigns": [Reach(MINE), Reach(MINE, query={"audience_id": "{audience}"})],
    "POST /campaigns": [
        Reach((404, 422), body={"name": "x", "audience_ids": ["{audience}"]}),
        Reach((404, 422), body={"name": "x", "template_id": "{template}"}),
    ],
    "GET /campaigns/{id}": Reach(),
    "PATCH /campaigns/{id}": Reach(body={"name": "x"}, control=(200, 409)),
    "DELETE /campaigns/{id}": Reach(control=(204, 409)),
    "POST /campaigns/{id}/schedule": Reach(body={"send_at": "2099-01-20T09:00:00"}, control=(200, 409)),
    "POST /campaigns/{id}/unschedule": Reach(control=(200, 409)),
    "POST /campaigns/{id}/start": Reach(control=(200, 409)),
    "POST /campaigns/{id}/pause": Reach(control=(200, 409)),
    "POST /campaigns/{id}/resume": Reach(control=(200, 409)),
    "POST /campaigns/{id}/stop": Reach(control=(200, 409)),
    "POST /campaigns/{id}/duplicate": Reach(),
    "POST /campaigns/{id}/test-send": Reach(body={"recipients": [RECIPIENT]}, control=(202, 422)),
    "GET /campaigns/{id}/progress": Reach(),
    "GET /campaigns/{id}/insights": Reach(),
    "GET /campaigns/{id}/links": Reach(),
    "GET /campaigns/{id}/recipients": Reach(),
    "GET /transactional-messages": [Reach(MINE), Reach((200, 404), query={"audience_id": "{audience}"})],
    "POST /transactional-messages": Reach(
        (404, 422),
        body={"name": "x", "audience_id": "{audience}", "from_email": SENDER, "subject": "x"},
        control=(201, 422),
    ),
    "GET /transactional-messages/{id}": Reach(),
    "PATCH /transactional-messages/{id}": Reach(body={"name": "x"}),
    "DELETE /transactional-messages/{id}": Reach(),
    "POST /transactional-messages/{id}/send": Reach(body={"recipient": RECIPIENT}, control=(202, 422)),
    "GET /audiences": Reach(MINE),
    "POST /audiences": [
        Reach((201,), body={"name": "own"}),
        Reach((404, 422), body={"name": "x", "settings": {"welcome_template_id": "{template}"}}, control=(201, 422)),
    ],
    "GET /audiences/{id}": Reach(),
    "PATCH /audiences/{id}": Reach(body={"name": "x"}),
    "DELETE /audiences/{id}": Reach(control=(204, 409)),
    "GET /audiences/{id}/fields": Reach(),
    "POST /audiences/{id}/fields": Reach(body={"tag": "NEW", "label": "New", "type": "text"}),
    "PATCH /audiences/{id}/fields/{tag}": Reach(body={"label": "x"}, own=True),
    "DELETE /audiences/{id}/fields/{tag}": Reach(own=True),
    "GET /audiences/{id}/contacts": [
        Reach(),
        Reach((400, 404, 422), query={"segment_id": "{segment}"}, own=True, control=(200,)),
    ],
    "POST /audiences/{id}/contacts": Reach(body={"email": "new@other.example"}),
    "GET /audiences/{id}/contacts/{contact}": Reach(own=True),
    "PATCH /audiences/{id}/contacts/{contact}": Reach(body={"tags": ["vip"]}, own=True),
    "DELETE /audiences/{id}/contacts/{contact}": Reach(own=True),
    "GET /contacts": Reach(MINE, query={"email": RECIPIENT}),
    "POST /audiences/{id}/contacts/{contact}/subscribe": Reach(own=True),
    "POST /audiences/{id}/contacts/{contact}/unsubscribe": Reach(own=True),
    "POST /audiences/{id}/contacts/{contact}/resend-confirmation": Reach(own=True, control=(200, 202, 204, 409)),
    "POST /audiences/{id}/contacts/{contact}/tags": Reach(body={"tags": ["x"]}, own=True),
    "DELETE /audiences/{id}/contacts/{contact}/tags/{tag}": Reach(own=True),
    "POST /audiences/{id}/contacts/{contact}/events": Reach(body={"name": "x"}, own=True),
    "GET /audiences/{id}/contacts/{contact}/activity": Reach(own=True),
    "GET /audiences/{id}/segments": Reach(),
    "POST /audiences/{id}/segments": Reach(body={"name": "x", **CONDITIONS}),
    "POST /audiences/{id}/segments/preview": Reach(body=CONDITIONS),
    "GET /audiences/{id}/segments/{segment}": Reach(own=True),
    "PATCH /audiences/{id}/segments/{segment}": Reach(body={"name": "x"}, own=True),
    "DELETE /audiences/{id}/segments/{segment}": Reach(own=True),
    "GET /audiences/{id}/segments/{segment}/contacts": Reach(own=True),
    "GET /automations": [Reach(MINE), Reach((200, 404), query={"audience_id": "{audience}"})],
    "POST /automations": Reach(
        (404, 422),
        body={
            "name": "x",
            "audience_id": "{audience}",
            "trigger": {"type": "subscribed"},
            "steps": [{"type": "add_tag", "tag": "x"}],
        },
    ),
    "GET /automations/{id}": Reach(),
    "PATCH /automations/{id}": Reach(body={"name": "x"}),
    "DELETE /automations/{id}": Reach(),
    "POST /automations/{id}/activate": Reach(),
    "POST /automations/{id}/pause": Reach(),
    "GET /automations/{id}/runs": Reach(),
    "POST /automations/{id}/runs/{run}/cancel": Reach(control=(404,)),
    "GET /webhooks": Reach(MINE),
    "POST /webhooks": Reach((201, 422), body={"url": "https://own.other.example/", "event_types": ["*"]}),
    "GET /webhooks/{id}": Reach(),
    "PATCH /webhooks/{id}": Reach(body={"description": "x"}),
    "DELETE /webhooks/{id}": Reach(),
    "POST /webhooks/{id}/rotate-secret": Reach(),
    "POST /webhooks/{id}/test": Reach(),
    "GET /webhooks/{id}/deliveries": Reach(),
    "POST /webhooks/{id}/deliveries/{delivery_id}/retry": Reach(),
}


NOUNS = {
    "accounts": "account",
    "api-keys": "key",
    "audiences": "audience",
    "automations": "automation",
    "campaigns": "campaign",
    "events": "event",
    "jobs": "job",
    "postback-deliveries": "postback",
    "sandbox": "sandbox",
    "senders": "sender",
    "templates": "template",
    "transactional-messages": "message",
    "webhooks": "webhook",
}


def filled(line: str, ids: dict[str, str]) -> str:
    """The path of an operation with the victim's ids in it."""
    path = line.partition(" ")[2]
    if path.startswith("/messages/"):
        return f"/messages/{ids['email_id']}"
    first = NOUNS.get(path.split("/")[1], "")
    tag = "vip" if "/tags/" in path else ids["tag"]
    names = {**ids, "id": ids.get(first, ""), "account_id": ids["account"], "key_id": ids["key"], "tag": tag}
    return path.format(**names, message_id=ids["sandbox"], email=ids["suppressed"])


def meant(value: Any, ids: dict[str, str]) -> Any:
    """A body or query with the victim's ids in it."""
    if isinstance(value, str):
        return value.format(**ids) if value.startswith("{") else value
    if isinstance(value, dict):
        return {name: meant(one, ids) for name, one in value.items()}
    return [meant(one, ids) for one in value] if isinstance(value, list) else value


async def ask(client: httpx2.AsyncClient, key: str, line: str, reach: Reach, ids: dict[str, str]) -> httpx2.Response:
    given: dict[str, Any] = {"params": meant(reach.query, ids) or None}
    if reach.files is not None:
        given["files"] = reach.files
    elif reach.body is not None:
        given["json"] = meant(reach.body, ids)
    headers = {"Authorization": f"Bearer {key}"}
    return await client.request(line.partition(" ")[0], BASE + filled(line, ids), headers=headers, **given)


def lines() -> list[str]:
    """All operations of the native API, deletions last."""
    found = [line.replace(f" {BASE}", " ") for line in operations(native_document())]
    return sorted(found, key=lambda line: (line.startswith("DELETE"), -line.count("/") * line.startswith("DELETE")))


def entries(line: str) -> list[Reach]:
    entry = ENTRIES[line]
    return entry if isinstance(entry, list) else [entry]
