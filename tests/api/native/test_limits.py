"""Requests per second, over HTTP, with the window's clock given: the native API and the Dyn families."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2

from app.main import create_app
from app.settings import Limits, Settings
from tests.api.native.calling import Native
from tests.factories import Factories


class StillClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(microsecond=250_000)  # a month that has partitions

    def now(self) -> datetime:
        return self.at


@asynccontextmanager
async def process(settings: Settings, limits: Limits, clock: StillClock) -> AsyncIterator[httpx2.AsyncClient]:
    application = create_app(settings.model_copy(update={"limits": limits}), clock=clock)
    async with application.running():
        transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client:
            yield client


async def test_so_many_pass_per_window_and_account_with_all_its_keys(settings: Settings, make: Factories) -> None:
    clock = StillClock()
    account, other = await make.account(), await make.account()
    sub = await make.account(parent=account)
    keys = [account.key, await make.api_key(account.id, "read")]
    limits = Limits(native_per_second=5)
    async with process(settings, limits, clock) as one, process(settings, limits, clock) as two:
        answers = [
            await Native(client, key)("GET", "/account") for client, key in zip([one, two] * 3, keys * 3, strict=True)
        ]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
        assert {answer.headers["ratelimit-limit"] for answer in answers} == {"5"}
        assert {answer.headers["ratelimit-reset"] for answer in answers} == {"1"}
        late = answers[-1]
        assert late.json()["type"] == "/problems/too-many-requests"
        assert late.headers["retry-after"] == "1"
        # Acting for another counts for one's own; the other is not touched by it.
        acting = Native(one, account.key, **{"Trireme-Account": str(sub.public_id)})
        assert (await acting("GET", "/account")).status_code == 429
        assert (await Native(one, sub.key)("GET", "/account")).status_code == 200
        assert (await Native(two, other.key)("GET", "/account")).status_code == 200
        clock.at += timedelta(seconds=1)
        refused = await Native(two, account.key)("GET", "/accounts/nonsense")
        assert (refused.status_code, refused.headers["ratelimit-remaining"]) == (404, "4")
        assert "ratelimit-limit" not in (await two.get("/api/trireme/v1/system/health")).headers


async def test_the_dyn_families_answer_503(settings: Settings, make: Factories) -> None:
    clock = StillClock()
    account = await make.account(senders=["a@x.example"])
    span = {"start_time": "1", "end_time": "2"}
    async with process(settings, Limits(dyn_per_second=3), clock) as client:
        mail = {"apikey": account.key, "from": "a@x.example", "to": "b@y.example", "subject": "s", "bodytext": "t"}
        assert (await client.post("/rest/json/send", data=mail)).json()["response"]["status"] == 200
        assert (await client.get("/emails", params={"apikey": account.key, **span})).status_code == 200
        assert (await client.get("/rest/json/senders", params={"apikey": account.key})).status_code == 200
        for answer in (
            await client.post("/rest/json/send", data=mail),
            await client.get("/emails", params={"apikey": account.key, **span}),
            await client.get("/rest/json/senders", params={"apikey": account.key}),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) in {(503, "1"), (200, "1")}, answer.text
            assert "503" in answer.text
        clock.at += timedelta(seconds=1)
        assert (await client.post("/rest/json/send", data=mail)).json()["response"]["status"] == 200
