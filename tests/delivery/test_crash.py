"""A delivery process is killed while it sends a campaign; another one goes on."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core import campaigns
from app.settings import Settings
from tests.delivery.conftest import running
from tests.delivery.mailing import HoldingServer, Mailing, read, tuned
from tests.fixtures.database import ROOT

PROCESS = """
import asyncio, json, sys
from app.delivery.drain import Drain
from app.settings import Settings
asyncio.run(Drain(Settings(**json.loads(sys.argv[1]))).run())
"""
SESSIONS = 4


@asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A delivery process of its own, killed without notice at the end."""
    given = json.dumps(settings.model_dump(mode="json"))
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, given, cwd=ROOT)
    try:
        yield started
    finally:
        started.kill()
        await started.wait()


async def test_nobody_is_lost_and_doubles_are_flagged(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    run = await mailing.make.sending(await mailing.campaign(150))
    narrow = tuned(to_server, connections=SESSIONS, chunk_size=20, max_in_flight=100, claim_size=20)
    server.hold(after=30)
    async with process(narrow):
        await server.holds(SESSIONS)
    in_doubt = set(server.held)
    await mailing.sound()
    server.let_go()
    async with mailing.watched(), running(narrow):
        await mailing.until("SELECT count(*) FROM attempts WHERE outcome = 'in_doubt'", SESSIONS)
        await mailing.done(run)
    got = Counter(message.recipient for message in server.messages)
    rows = await mailing.rows("SELECT recipient, possible_duplicate AS flagged FROM messages")
    assert {row["recipient"] for row in rows} == set(got)
    assert len(got) == 150
    assert {row["recipient"] for row in rows if row["flagged"]} == in_doubt
    assert {recipient for recipient, count in got.items() if count > 1} <= in_doubt
    assert await mailing.states(run) == {"delivered": 150}


async def test_what_a_killed_process_had_not_begun_gets_the_newest_text(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign = await mailing.campaign(100)
    run = await mailing.make.sending(campaign)
    narrow = tuned(to_server, connections=SESSIONS, chunk_size=20, max_in_flight=100, claim_size=20)
    server.hold(after=20)
    async with process(narrow):
        await server.holds(SESSIONS)
    begun = {message.recipient for message in server.messages} | set(server.held)
    await mailing.pause(campaign)
    await mailing.say(campaign, "Second")
    server.let_go()
    async with mailing.watched(), running(narrow):
        await mailing.done(run)
    said = {message.recipient: read(message)["Subject"] for message in server.messages}
    assert said == {recipient: "First" if recipient in begun else "Second" for recipient in said}
    assert len(said) == 100
    versions = await mailing.rows("SELECT content_version AS v, count(*) AS n FROM messages GROUP BY 1 ORDER BY 1")
    assert versions == [{"v": 1, "n": len(begun)}, {"v": 2, "n": 100 - len(begun)}]


async def test_what_a_killed_process_held_of_a_stopped_run_is_cancelled(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign = await mailing.campaign(100)
    run = await mailing.make.sending(campaign)
    narrow = tuned(to_server, connections=SESSIONS, chunk_size=20, max_in_flight=60, claim_size=20)
    server.hold(after=10)
    async with process(narrow):
        await server.holds(SESSIONS)
    await mailing.stop(campaign)
    async with running(narrow):
        await mailing.idle(run)
        await campaigns.cancel_stopped(mailing.engine)
    states = await mailing.states(run)
    assert sum(states.values()) + await mailing.value("SELECT unreached FROM runs") == 100
    assert set(states) == {"delivered", "cancelled"}
    await mailing.sound()
