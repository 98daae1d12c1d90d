"""`trireme campaign ...` as an operator types it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.db.unit_of_work import reading
from app.kit.uids import Noun, uid
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


async def test_an_unknown_one_is_said_to_be_so(variables: dict[str, str]) -> None:
    done = trireme("campaign", "stop", "0123456789abc", variables=variables)
    assert (done.returncode, done.stderr) == (1, "There is no campaign 0123456789abc.\n")
