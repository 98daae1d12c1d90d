"""An account with one of everything, and a look at all its rows."""

from datetime import UTC, datetime, timedelta

import httpx2
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uuid
from app.models import Issue, Postback, SandboxMessage
from tests.api.native.calling import BASE, Native
from tests.api.native.operations import native_document, operations
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec

AT = datetime(2016, 11, 22, tzinfo=UTC)
RECIPIENT = "jo@victim.example"
SENDER = "news@victim.example"
HIDDEN = "hidden"
"""Stands in all that the victim wrote, and in nothing that is sent for it."""
CONDITIONS = {"conditions": [{"type": "status", "op": "is", "value": "subscribed"}]}


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
