"""What belongs to another account is as if it were not there, at every endpoint, and nothing of it changes.

`ENTRIES` says for each operation how somebody else would reach for the victim's things; an operation that has no entry
fails the test.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, number_of, uid, uuid
from app.models import Issue, Postback, SandboxMessage
from tests.api.native.calling import BASE, Native
from tests.api.native.operations import native_document, operations
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec

AT = datetime(2016, 11, 22, tzinfo=UTC)
RANGE = {"start": "2016-11-01T00:00:00Z", "end": "2016-12-01T00:00:00Z"}
RECIPIENT = "jo@victim.example"
SENDER = "news@victim.example"
HIDDEN = "hidden"
"""Stands in all that the victim wrote, and in nothing that is sent for it."""
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
"""Entries of operations that are not there (any more) do no harm."""

TABLES = """
    SELECT c.table_name FROM information_schema.columns AS c
      JOIN information_schema.tables AS t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND c.column_name = 'account_id' AND t.table_type = 'BASE TABLE'
       AND c.table_name !~ '_p\\d{6}$'
     ORDER BY 1
"""


class Watch:
    """The rows of one account, in every table that has accounts."""

    def __init__(self, engine: AsyncEngine, account_id: int) -> None:
        self._engine, self._account_id, self._query = engine, account_id, ""

    async def rows(self) -> dict[str, str]:
        async with driver_connection(self._engine) as connection:
            if not self._query:
                tables = [row["table_name"] for row in await connection.fetch(TABLES)]
                assert {"messages", "contacts", "campaigns", "suppressions", "api_keys"} <= set(tables)
                parts = [(table, "account_id") for table in tables] + [("accounts", "id")]
                self._query = " UNION ALL ".join(
                    f"SELECT '{table}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest"  # noqa: S608
                    f" FROM {table} AS t WHERE {column} = {self._account_id}"
                    for table, column in parts
                )
            return {row["name"]: row["digest"] for row in await connection.fetch(self._query)}


async def lay(make: Factories, engine: AsyncEngine, client: httpx2.AsyncClient, victim: MadeAccount) -> dict[str, str]:
    """Give the victim one of everything; return what each is called, by the names of paths and entries."""
    sender_id = victim.senders[SENDER]
    audience = await make.audience(victim, name=HIDDEN, fields=["PLAN"])
    contact = await make.contact(audience, RECIPIENT, fields={"PLAN": HIDDEN}, tags=["vip"])
    template = await make.template(victim, name=HIDDEN)
    campaign = await make.campaign(victim, [audience], from_email=SENDER, subject=HIDDEN)
    run = await make.run(campaign)
    message = await make.message(audience, from_email=SENDER, name=HIDDEN)
    await make.suppression(victim.id, "blocked@victim.example")
    extra: dict[str, object] = {"run_id": run.id, "contact_id": contact.id, "kind": "campaign"}
    copy = await make.delivered(victim.id, sender_id, AT, RECIPIENT, x_headers={"X-Shop": HIDDEN}, extra=extra)
    await make.opened(copy, AT + timedelta(minutes=1), user_agent=HIDDEN)
    await make.clicked(copy, AT + timedelta(minutes=1), "https://hidden.example/")
    await make.complained(copy, AT + timedelta(minutes=2), content=HIDDEN)
    await make.bounced(await make.sent(victim.id, sender_id, AT, RECIPIENT), BounceSpec(AT + timedelta(minutes=1)))
    async with unit_of_work(engine) as write:
        row = {"account_id": victim.id, "kind": "bounce", "event_id": 1, "message_id": 7, "accepted_at": AT}
        more = {"url": "https://hidden.example/", "endpoint": "https://hidden.example:443", "due_at": AT}
        postback = await write.execute(insert(Postback).values(**row, **more).returning(Postback.id))
        whose = {"account_id": victim.id, "envelope_from": SENDER, "recipients": [RECIPIENT], "from_header": SENDER}
        mail = {"subject": HIDDEN, "size": 6, "raw": b"hidden"}
        await write.execute(insert(SandboxMessage).values(**whose, **mail))
        issue = {"account_id": victim.id, "occurred_at": AT, "issue_type": "refused", "address": RECIPIENT}
        await write.execute(insert(Issue).values(**issue, sender=SENDER, description=HIDDEN))
    native = Native(client, victim.key)
    ids = {
        "account": str(victim.public_id),
        "username": victim.username,
        "sender_id": str(sender_id),
        "audience": str(uuid(Noun.AUDIENCE, audience.id)),
        "contact": str(uuid(Noun.CONTACT, contact.id)),
        "template": str(uuid(Noun.TEMPLATE, template.id)),
        "campaign": str(uuid(Noun.CAMPAIGN, campaign.id)),
        "message": str(uuid(Noun.TRANSACTIONAL, message.id)),
        "postback": str(uuid(Noun.DELIVERY, postback.scalar_one())),
        "suppressed": "blocked@victim.example",
        "email_id": f"20161122000000.{copy.message_id:012x}@mail-1",
        "tag": "PLAN",
        "run": str(uuid(Noun.AUTOMATION_RUN, 1)),
        "delivery_id": str(uuid(Noun.DELIVERY, 1)),
    }
    steps = {"steps": [{"type": "add_tag", "tag": "x"}], "trigger": {"type": "subscribed"}}
    made = {
        "segment": (f"/audiences/{ids['audience']}/segments", {"name": HIDDEN, **CONDITIONS}),
        "job": (f"/audiences/{ids['audience']}/exports", {}),
        "key": ("/api-keys", {"name": HIDDEN, "scopes": ["read"]}),
        "automation": ("/automations", {"name": HIDDEN, "audience_id": ids["audience"], **steps}),
        "webhook": ("/webhooks", {"url": "https://hidden.example/", "event_types": ["*"], "description": HIDDEN}),
    }
    for name, (path, body) in made.items():
        if f"POST {BASE}{path.replace(ids['audience'], '{id}')}" in operations(native_document()):
            answer = await native("POST", path, body)
            assert answer.status_code in {201, 202}, (path, answer.text)
            ids[name] = answer.json()["id"]
    if "webhook" in ids:
        tried = await native("POST", f"/webhooks/{ids['webhook']}/test")
        assert tried.status_code == 202, tried.text
        ids["delivery_id"] = (await native("GET", f"/webhooks/{ids['webhook']}/deliveries")).json()["data"][0]["id"]
    events = (await native("GET", "/events", recipient=RECIPIENT)).json()["data"]
    sender, sandbox = [
        (await native("GET", path)).json()["data"][0]["id"] for path in ("/senders", "/sandbox/messages")
    ]
    return {**ids, "event": events[0]["id"], "sender": sender, "sandbox": sandbox}


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


def test_every_operation_has_an_entry() -> None:
    assert [line for line in lines() if line not in ENTRIES] == []


@pytest.mark.parametrize("who", ["stranger", "sub"])
async def test_nothing_of_another_account_is_seen_or_changed(
    who: str, client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, subtests: pytest.Subtests
) -> None:
    victim = await make.account(senders=[SENDER], x_headers=["X-Shop"])
    other = await make.account(parent=victim if who == "sub" else None, senders=["own@other.example"])
    ids = await lay(make, engine, client, victim)
    own = str(uuid(Noun.AUDIENCE, (await make.audience(other, fields=["OWN"])).id))
    by_uid = {
        "audience": uid(Noun.AUDIENCE, number_in(ids["audience"], Noun.AUDIENCE)),
        "contact": uid(Noun.CONTACT, number_in(ids["contact"], Noun.CONTACT)),
        "campaign": uid(Noun.CAMPAIGN, number_in(ids["campaign"], Noun.CAMPAIGN)),
        "message": uid(Noun.TRANSACTIONAL, number_in(ids["message"], Noun.TRANSACTIONAL)),
    }
    watch = Watch(engine, victim.id)
    before = await watch.rows()
    for noun, several in groupby(lines(), key=lambda line: line.split("/")[1]):  # to look at all rows takes its time
        for line in several:
            with subtests.test(line):
                for reach in entries(line):
                    for named in (ids, {**ids, **by_uid}, *([{**ids, "audience": own}] if reach.own else [])):
                        answer = await ask(client, other.key, line, reach, named)
                        assert answer.status_code in reach.allowed, (reach, answer.status_code, answer.text)
                        assert HIDDEN not in answer.text, answer.text
        with subtests.test(f"rows after {noun}"):
            after = await watch.rows()
            changed = [table for table in before if after[table] != before[table]]
            before = after
            assert changed == []


async def test_no_header_makes_a_stranger_act_for_it(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    victim = await make.account(senders=[SENDER])
    sub = await make.account(parent=victim)
    ids = await lay(make, engine, client, victim)
    watch = Watch(engine, victim.id)
    before = await watch.rows()
    for key in ((await make.account()).key, sub.key):
        native = Native(client, key, **{"Trireme-Account": str(victim.public_id)})
        for line in lines():
            if ENTRIES[line] in (NOTHING, ENTRIES["GET /system/ready"]):
                continue
            answer = await native(line.partition(" ")[0], filled(line, ids))
            assert answer.status_code == 404, (line, answer.text)
    assert await watch.rows() == before


async def test_its_own_key_finds_all_of_it(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, subtests: pytest.Subtests
) -> None:
    victim = await make.account(senders=[SENDER], x_headers=["X-Shop"])
    ids = await lay(make, engine, client, victim)
    key = victim.key
    for line in lines():
        with subtests.test(line):
            for reach in entries(line):
                answer = await ask(client, key, line, reach, ids)
                assert answer.status_code in reach.control, (reach, answer.status_code, answer.text)
                if line.endswith("/rotate-key"):
                    key = json.loads(answer.text)["api_key"]


async def test_without_a_good_key_nothing_is_there(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    for line in lines():
        if line.startswith("GET /system/") and line not in {"GET /system/settings", "GET /system/queue"}:
            continue
        method, _, path = line.partition(" ")
        for headers in ({}, {"Authorization": f"Bearer {account.key[:-1]}"}, {"Authorization": f"Basic {account.key}"}):
            answer = await client.request(method, BASE + path, headers=headers)
            assert answer.status_code == 401, (line, headers, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"


def number_in(text: str, noun: Noun) -> int:
    number = number_of(noun, UUID(text))
    assert number
    return number
