"""`trireme why` as a process: text for people, JSON for programs."""

import asyncio
import json

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.kit.uids import Noun, uid
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.core.audit.world import build
from tests.factories import Factories


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    """The environment that names the test's database and the node."""
    return as_environment({"database_url": settings.database_url, "node_name": "mail-1"})


async def run(*arguments: str, variables: dict[str, str]) -> tuple[int, str, str]:
    done = await asyncio.to_thread(trireme, "why", *arguments, variables=variables)
    return done.returncode, done.stdout, done.stderr


async def test_an_address_is_told_in_text_and_json(
    engine: AsyncEngine, make: Factories, variables: dict[str, str]
) -> None:
    world = await build(engine, make)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE attempts SET reply = 'later \x1b[2J' WHERE message_id = 14")
    campaign = uid(Noun.CAMPAIGN, world.campaign_id)
    await make.suppression(world.account_id, "copy14@example.com", reason="manual")
    status, text, errors = await run("copy14@example.com", variables=variables)
    assert (status, errors) == (0, "")
    lines = text.splitlines()
    assert lines[0] == "copy14@example.com"
    assert lines[2:6] == [
        f"2016-11-22 12:00:00  campaign from news@example.com, campaign {campaign} 'Spring'",
        "  deferred: attempt 1 at 2016-11-22 12:00:00 (451 later  [2J), next at 2016-11-22 18:00:00",
        "  20161122120000.00000000000e@mail-1",
        "    1. 2016-11-22 12:00:00  deferred  mx.example.com  12 ms  451 later  [2J",
    ]
    assert lines[7].startswith("suppressed: manual since ")
    assert lines[8:] == ["in no audience"]

    status, text, _ = await run("copy14@example.com", "--json", "--campaign", campaign, variables=variables)
    assert status == 0
    found = json.loads(text)
    (copy,) = found["copies"]
    assert (copy["email_id"], copy["campaign_uid"]) == ("20161122120000.00000000000e@mail-1", campaign)
    assert (copy["accepted_at"], copy["attempts"][0]["code"]) == ("2016-11-22T12:00:00Z", 451)
    assert {story["campaign_uid"] for story in found["runs"]} == {campaign}
    assert len(found["runs"]) == 5


async def test_nothing_known_is_an_answer_and_nothing_to_ask_is_not(
    engine: AsyncEngine, variables: dict[str, str]
) -> None:
    status, text, _ = await run("nobody@example.com", variables=variables)
    assert status == 0
    assert "No copy for it is in the ledger" in text
    for arguments in (["--account", "nobody@example.com"], ["--campaign", "spring"]):
        status, text, errors = await run("jo@example.com", *arguments, variables=variables)
        assert (status, text) == (2, "")
        assert errors.startswith("There is no ")
