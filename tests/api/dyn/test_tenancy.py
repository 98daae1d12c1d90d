"""Another account's key, addresses and senders yield nothing and change nothing (docs/contract/dyn-email.md, 2).

A report and a list are of the account that owns the key: not of its master, not of its sub-accounts, not of strangers.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.dyn.router import TABLE
from app.db.unit_of_work import unit_of_work
from app.models import Issue
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec

AT = datetime(2016, 11, 22, tzinfo=UTC)
SENDER, RECIPIENT = "secret@victim.example", "jo@secret.example"
MINE = {"starttime": "2016-11-01", "endtime": "2016-12-01"}
READING = [line.path for line in TABLE if line.method == "GET" and not line.path.startswith("/accounts")]
NUMBERS = ("count", "totalcount")
STATE = (
    "SELECT (SELECT jsonb_agg(to_jsonb(s) ORDER BY id) FROM suppressions s), "
    "(SELECT jsonb_agg(to_jsonb(m) ORDER BY account_id, address) FROM recipient_marks m), "
    "(SELECT jsonb_agg(to_jsonb(s) ORDER BY id) FROM senders s WHERE email = 'secret@victim.example'), "
    "(SELECT jsonb_agg(to_jsonb(m) ORDER BY id) FROM messages m)"
)


async def lay(make: Factories, engine: AsyncEngine, victim: MadeAccount) -> None:
    """Make something of everything happen to the victim's mail."""
    whose = (victim.id, victim.senders[SENDER])
    copy = await make.delivered(*whose, AT, RECIPIENT, x_headers={"X-Campaign": "secret"})
    await make.opened(copy, AT + timedelta(minutes=1))
    await make.clicked(copy, AT + timedelta(minutes=1), "https://secret.example/")
    await make.complained(copy, AT + timedelta(minutes=2))
    bounced = await make.sent(*whose, AT, RECIPIENT, x_headers={"X-Campaign": "secret"})
    await make.bounced(bounced, BounceSpec(AT + timedelta(minutes=1)))
    for reason in ("hardbounce", "complaint", "manual"):
        await make.blocked(*whose, AT, RECIPIENT, reason=reason)
    await make.suppression(victim.id, RECIPIENT, reason="hardbounce")
    issue = {"account_id": victim.id, "occurred_at": AT, "issue_type": "refused", "address": RECIPIENT}
    async with unit_of_work(engine) as write:
        await write.execute(insert(Issue).values({**issue, "sender": SENDER, "description": "secret"}))


async def state(engine: AsyncEngine) -> Any:
    async with engine.connect() as connection:
        return json.dumps([*(await connection.exec_driver_sql(STATE)).one()], default=str)


async def ask(client: httpx2.AsyncClient, path: str, key: str, **fields: str) -> str:
    response = await client.get(f"/rest/json{path}", params={"apikey": key, **fields})
    assert response.status_code in {200, 452}, response.text
    return response.text


@pytest.mark.parametrize("who", ["stranger", "master", "sub", "sibling"])
async def test_nothing_of_another_account_is_seen_or_changed(
    who: str, client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, subtests: pytest.Subtests
) -> None:
    master = await make.account(x_headers=["X-Campaign"], senders=[] if who == "sub" else ["a@other.example"])
    if who == "sub":
        victim = await make.account(x_headers=["X-Campaign"], senders=[SENDER])
        other = await make.account(parent=victim, x_headers=["X-Campaign"], senders=["a@other.example"])
    else:
        victim = await make.account(parent=master, x_headers=["X-Campaign"], senders=[SENDER])
        sibling = await make.account(parent=master, x_headers=["X-Campaign"], senders=["b@other.example"])
        stranger = await make.account(x_headers=["X-Campaign"], senders=["a@other.example"])
        other = {"stranger": stranger, "master": master, "sibling": sibling}[who]
    await lay(make, engine, victim)
    before = await state(engine)
    filters: list[dict[str, str]] = [
        {},
        {"sender": SENDER},
        {"emailaddress": RECIPIENT},
        {"domain": "secret.example"},
        {"X-Campaign": "secret"},
        {"bouncetype": "previouslyhardbounced"},
        {"user_id": str(victim.id), "userid": str(victim.id), "username": victim.username},
    ]
    for path in READING:
        with subtests.test(path):
            for given in filters:
                text = await ask(client, path, other.key, **MINE, **given)
                data = json.loads(text)["response"]["data"]
                if "count" in path:
                    assert set(data.values()) == {"0"}, text
                elif path == "/recipients/status" and "emailaddress" in given:
                    assert [one["status"] for one in data["recipients"]] == ["active"]
                    assert [one["suppressionstatus"] for one in data["recipients"]] == ["unsuppressed"]
                else:
                    assert "secret" not in text
    for path in ("/recipients/activate", "/suppressions/activate"):
        assert '"data":[]' in await ask(client, path, other.key, emailaddress=RECIPIENT)
    for path in ("/senders/details", "/senders/status", "/senders/dkim", "/senders/delete"):
        assert "not an approved sender" in await ask(client, path, other.key, emailaddress=SENDER, dkim="m1")
    assert await state(engine) == before


async def test_its_own_key_sees_all_of_it(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    victim = await make.account(x_headers=["X-Campaign"], senders=[SENDER])
    await lay(make, engine, victim)
    for path in READING:
        if path.startswith("/reports/"):
            data = json.loads(await ask(client, path, victim.key, **MINE))["response"]["data"]
            assert next(iter(data.values())) not in ("0", []), path


async def test_no_key_opens_nothing(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    for line in TABLE:
        for method in (line.method, *line.also):
            for query in ({}, {"apikey": ""}, {"apikey": account.key[:-1]}, {"apikey": "x" * 60_000}):
                response = await client.request(method, f"/rest/json{line.path}", params=query)
                assert response.status_code == 451, (method, line.path)
