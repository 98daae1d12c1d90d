"""`trireme campaign ...` as an operator types it."""

import asyncio
import json

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.db.unit_of_work import reading
from app.kit.uids import Noun, uid
from app.models.campaign import Campaign
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.factories import Factories


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    return as_environment({"database_url": settings.database_url, "broker_url": settings.broker_url})


async def test_an_operator_presses_the_buttons_of_any_account(
    variables: dict[str, str], engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=["news@acme.example"])
    audience = await make.audience(account)
    await make.contacts(audience, 3)
    campaign = await make.campaign(account, [audience])
    name = uid(Noun.CAMPAIGN, campaign.id)

    def says(verb: str) -> set[str]:
        done = trireme("campaign", verb, name, variables=variables)
        assert done.returncode == 0, done.stderr
        return set(done.stdout.splitlines())

    assert says("status") == {f"name={campaign.name}", "state=draft"}
    assert {"state=queued", "total=", "reached=0"} < says("start")
    run = (await make_view(engine, account.id, campaign.id)).run
    assert run is not None
    await campaigns.snapshot(engine, run.id)
    assert {"state=paused", "total=3", "remaining=3", "per_minute=0"} < says("pause")
    assert "state=sending" in says("resume")
    assert {"state=stopped", "unreached=3", "remaining=0"} < says("stop")
    refused = trireme("campaign", "resume", name, variables=variables)
    assert (refused.returncode, refused.stderr) == (1, "Refused: the campaign is stopped.\n")


async def make_view(engine: AsyncEngine, account_id: int, campaign_id: int) -> campaigns.View:
    async with reading(engine) as read:
        return await campaigns.get(read, account_id, campaign_id)


async def test_what_is_missing_is_named(variables: dict[str, str], make: Factories) -> None:
    campaign = await make.campaign(await make.account(), subject="")
    name = uid(Noun.CAMPAIGN, campaign.id)
    shown = trireme("campaign", "status", name, variables=variables).stdout
    assert "missing=audience is required\nmissing=subject is required" in shown
    refused = trireme("campaign", "start", name, variables=variables)
    assert refused.returncode == 1
    assert "audience is required; subject is required" in refused.stderr


async def test_sending_starts_and_waits_for_the_end(
    variables: dict[str, str], engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=["news@acme.example"])
    first, second = [await make.campaign(account, [await make.audience(account)]) for _ in range(2)]

    async def send(campaign: Campaign, *options: str) -> tuple[int, list[str], str]:
        command = ("campaign", "send", uid(Noun.CAMPAIGN, campaign.id), *options)
        done = await asyncio.to_thread(trireme, *command, variables=variables)
        return done.returncode, done.stdout.splitlines(), done.stderr

    waiting = asyncio.create_task(send(first, "--seconds", "50"))
    async with asyncio.timeout(50):
        while (run := (await make_view(engine, account.id, first.id)).run) is None:  # noqa: ASYNC110 another process
            await asyncio.sleep(0.02)
    await campaigns.snapshot(engine, run.id)  # of nobody: that ends it
    status, lines, errors = await waiting
    assert (status, [line for line in lines if line.startswith("state=")][-1], errors) == (0, "state=done", "")
    status, _, errors = await send(first)
    assert (status, errors) == (1, "Refused: the campaign is done.\n")

    status, lines, _ = await send(second)
    assert (status, lines[1]) == (0, "state=queued"), "without a time it waits for nothing"
    status, lines, _ = await send(second, "--seconds", "0.1", "--json")
    assert (status, [json.loads(line)["state"] for line in lines]) == (1, ["queued", "queued"]), "its time is over"


async def test_an_unknown_one_is_said_to_be_so(variables: dict[str, str]) -> None:
    done = trireme("campaign", "stop", "0123456789abc", variables=variables)
    assert (done.returncode, done.stderr) == (1, "There is no campaign 0123456789abc.\n")
