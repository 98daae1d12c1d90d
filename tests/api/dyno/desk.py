"""An account with an audience and campaigns in every state, and the calls of `/campaign_process`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.audiences import Audience
from app.core.campaigns import Campaign, Family, Start
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uuid
from tests.factories import Factories, MadeAccount

SENDER = "shop@acme.example"
AHEAD = "2037-01-20T09:00:00"


@dataclass
class Desk:
    """An account with an audience of three, and its campaigns."""

    engine: AsyncEngine
    make: Factories
    account: MadeAccount
    audience: Audience
    client: httpx2.AsyncClient

    async def ask(self, call: str, given: object, *, key: str | None = None) -> httpx2.Response:
        """Ask for one of the calls."""
        headers = {"User-Api-Key": key or self.account.key}
        return await self.client.post(f"/campaign_process/{call}", json=given, headers=headers)

    async def good(self, call: str, campaign: Campaign | str, **more: object) -> dict[str, Any]:
        """Return `data` of a call that succeeds."""
        which = campaign if isinstance(campaign, str) else id_of(campaign)
        answer = await self.ask(call, {"campaign_id": which, **more})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def error(self, call: str, given: object, **more: Any) -> tuple[int, str, str]:
        """Return status, code and text of a call that fails."""
        answer = await self.ask(call, given, **more)
        body = answer.json()
        assert body["has_error"], body
        assert body["error message"] == body["error_message"]
        return answer.status_code, body["error_code"], body["error_message"]

    async def rows(self, query: str, *args: object) -> list[Any]:
        async with driver_connection(self.engine) as connection:
            return await connection.fetch(query, *args)

    async def campaign(self, state: str = "draft", **fields: Any) -> Campaign:
        """Make a campaign that stands there."""
        values = {"from_email": SENDER, "from_name": "Shop", **fields}
        campaign = await self.make.campaign(self.account, [self.audience], **values)
        match state:
            case "scheduled" | "dormant" | "waiting":
                await self.make.run(campaign, at=start())
                if state == "dormant":
                    await self._do(campaigns.cancel_schedule, campaign)
                elif state == "waiting":
                    await self._do(campaigns.pause, campaign)
            case "queued":
                await self.make.run(campaign)
            case "sending" | "paused" | "stopped":
                await self.make.sending(campaign)
                if state != "sending":
                    await self._do(campaigns.pause if state == "paused" else campaigns.stop, campaign)
            case "done":
                await self.make.sending(campaign)
                await self.rows("UPDATE runs SET next_seq = total + 1 WHERE campaign_id = $1", campaign.id)
                await campaigns.finish(self.engine)
            case "failed":
                run = await self.make.run(campaign)
                await campaigns.fail(self.engine, run.id, "for a test")
        return campaign

    async def _do(self, verb: Callable[..., Awaitable[object]], campaign: Campaign) -> None:
        async with unit_of_work(self.engine) as write:
            await verb(write, self.account.id, campaign.id, family=Family.NATIVE)


def start(delta: timedelta = timedelta(hours=1)) -> Start:
    """A start that far from now, UTC."""
    at = (datetime.now(UTC) + delta).replace(microsecond=0)
    return Start(at, at.replace(tzinfo=None).isoformat(), "UTC")


def id_of(campaign: Campaign) -> str:
    return str(uuid(Noun.CAMPAIGN, campaign.id))


async def desk_of(make: Factories, engine: AsyncEngine, client: httpx2.AsyncClient) -> Desk:
    """Make one."""
    account = await make.account(senders=[SENDER])
    audience = await make.audience(account, fields=["FIRST_NAME"])
    await make.contacts(audience, 3)
    return Desk(engine, make, account, audience, client)
