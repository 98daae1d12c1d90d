"""A deleted account sends nothing more (docs/contract/dyn-email.md, 6.3)."""

from datetime import UTC, datetime

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, campaigns
from app.core.audit import Scope
from app.core.campaigns import RunState
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.models.message import Message, State
from app.models.run import Run
from tests.core.campaigns.conftest import SENDER
from tests.factories import Factories, MadeAccount

MASTER = "master@accounts.example"


async def send(client: httpx2.AsyncClient, account: MadeAccount, to: str) -> None:
    mail = {"apikey": account.key, "from": SENDER, "to": to, "subject": "s", "bodytext": "t"}
    answer = await client.post("/rest/json/send", data=mail)
    assert answer.json()["response"]["data"] == "250 2.1.0 Ok"


async def states(engine: AsyncEngine, account: MadeAccount) -> list[str]:
    async with reading(engine) as read:
        query = select(Message.state).where(Message.account_id == account.id).order_by(Message.id)
        return list((await read.execute(query)).scalars())


async def test_what_a_deleted_account_had_under_way_ends(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    master = await make.account(MASTER, senders=[SENDER])
    sub = await make.account("sub@accounts.example", parent=master, senders=[SENDER])
    for account in (master, sub):
        for to in ("a@x.example", "b@x.example"):
            await send(client, account, to)
    running: list[int] = []
    for account in (sub, sub, master):
        audience = await make.audience(account)
        await make.contact(audience, "ann@x.example")
        run = await make.run(await make.campaign(account, [audience], from_email=SENDER))
        running.append(run.id)
    assert await campaigns.wind_up(engine) == 0

    deleted = await client.post("/rest/json/accounts/delete", data={"apikey": master.key, "username": sub.username})
    assert deleted.status_code == 200
    assert await campaigns.wind_up(engine) == 4
    assert await campaigns.wind_up(engine) == 0
    assert await states(engine, sub) == [State.CANCELLED] * 2
    assert await states(engine, master) == [State.QUEUED] * 2
    async with reading(engine) as read:
        found = {row.id: row.state for row in await read.execute(select(Run.id, Run.state))}
    assert [found[run_id] for run_id in running] == [RunState.STOPPED, RunState.STOPPED, RunState.QUEUED]
    async with driver_connection(engine) as connection:
        report = await audit.check(connection, Scope.recent(datetime.now(UTC)).only(account_id=sub.id))
    assert report.total == 0
