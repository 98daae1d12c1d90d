"""kill -9 of the outbox process among its calls: every postback arrives, at least once."""

import asyncio
import signal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.settings import Settings
from tests.core.postbacks.world import NOW, World
from tests.e2e.outbox.process import busy, outbox
from tests.factories import Factories
from tests.fixtures.web_server import web_server

pytestmark = [pytest.mark.serial, pytest.mark.timeout(60)]

BOUNCES = 200
EVENTS = """
WITH made AS (
    INSERT INTO bounces (message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code,
        regex_name, recipient, diagnostic, full_content)
    SELECT n, $1, $2, 1, $1, 'hard', 'bad-mailbox', '5.1.1', 'x', 'r' || n || '@example.org', '550 no', ''
    FROM generate_series(1, $3::int) AS n
    RETURNING message_id, accepted_at, account_id, recipient
)
INSERT INTO domain_events (account_id, type, message_id, accepted_at, address)
SELECT account_id, 'email.bounced', message_id, accepted_at, recipient FROM made
"""


async def test_a_kill_loses_no_postback(settings: Settings, make: Factories, engine: AsyncEngine) -> None:
    answer, enough = busy(after=BOUNCES // 4)
    async with web_server(answer) as server, driver_connection(engine) as connection:
        world = World(make, engine, connection)
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/?@email")
        await connection.execute(EVENTS, NOW, world.account.id, BOUNCES)
        with outbox(settings) as first:
            async with asyncio.timeout(20):
                await enough.wait()
            first.send_signal(signal.SIGKILL)
            assert await asyncio.to_thread(first.wait, 10) == -signal.SIGKILL
        assert await world.value("SELECT count(*) FROM postbacks") > 0, "killed too late to tell anything"
        with outbox(settings) as second:
            async with asyncio.timeout(30):
                while await world.value("SELECT count(postback_at) FROM bounces") < BOUNCES:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            second.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(second.wait, 15) == 0
        assert await world.value("SELECT count(*) FROM postbacks") == 0
        assert set(server.paths) == {f"/?r{number}%40example.org" for number in range(1, BOUNCES + 1)}
        assert len(server.paths) < 2 * BOUNCES, "only what was open at the kill may have come twice"
