"""kill -9 of the outbox process among its calls: every event arrives, at least once, and under one id."""

import asyncio
import signal
from collections import Counter

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import webhooks
from app.core.webhooks import Rules
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from app.settings import Settings
from tests.core.webhooks.verifying import Received
from tests.core.webhooks.world import NOW, World
from tests.e2e.outbox.process import busy, outbox
from tests.factories import Factories
from tests.factories.copies import CopySpec
from tests.fixtures.web_server import web_server

pytestmark = [pytest.mark.serial, pytest.mark.timeout(90)]

EVENTS = 300
BOUNCES = """
WITH made AS (
    INSERT INTO bounces (message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code,
        regex_name, recipient, diagnostic, full_content)
    SELECT id, accepted_at, account_id, sender_id, accepted_at, 'hard', 'bad-mailbox', '5.1.1', 'x', recipient, 'no', ''
    FROM messages
    RETURNING message_id, accepted_at, account_id
)
INSERT INTO domain_events (account_id, type, message_id, accepted_at)
SELECT account_id, 'email.bounced', message_id, accepted_at FROM made
"""


async def test_a_kill_loses_no_event(settings: Settings, make: Factories, engine: AsyncEngine) -> None:
    answer, enough = busy(after=EVENTS // 4)
    async with web_server(answer) as server, driver_connection(engine) as connection:
        world = World(make, engine, connection)
        await world.open()
        async with unit_of_work(engine) as write:
            rules = Rules(Vault(settings.secret_keys), anywhere=True)
            url = f"http://127.0.0.1:{server.port}/"
            _, secret = await webhooks.create(write, world.account.id, rules=rules, url=url, event_types=["email.*"])
        sender = world.account.senders["news@example.com"]
        people = [f"r{number}@example.org" for number in range(EVENTS)]
        await make.copies([CopySpec(world.account.id, sender, NOW, recipient=one) for one in people])
        await connection.execute(BOUNCES)
        with outbox(settings) as first:
            async with asyncio.timeout(30):
                await enough.wait()
            first.send_signal(signal.SIGKILL)
            assert await asyncio.to_thread(first.wait, 10) == -signal.SIGKILL
        left = "SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting'"
        assert await world.value(left) > 0, "killed too late to tell anything"
        # A claim lapses after half a minute; here it lapses at once.
        await connection.execute("UPDATE webhook_deliveries SET due_at = now() WHERE status = 'waiting'")
        with outbox(settings) as second:
            async with asyncio.timeout(40):
                while await world.value(left) or await world.value(  # noqa: ASYNC110 it is the database that tells
                    "SELECT count(*) FROM domain_events WHERE NOT routed"
                ):
                    await asyncio.sleep(0.05)
            second.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(second.wait, 15) == 0
        query = "SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered'"
        assert await world.value(query) == EVENTS
        got = [Received.of(head, body) for head, body in zip(server.requests, server.bodies, strict=True)]
    assert all(one.is_signed(secret) for one in got)
    ids = {one.json["data"]["recipient"]: one.id for one in got}
    assert set(ids) == set(people)
    assert {one.id for one in got} == set(ids.values()), "what came twice came under the same id"
    assert len(set(ids.values())) == EVENTS
    assert max(Counter(one.id for one in got).values()) <= 2
    assert len(got) < 2 * EVENTS, "only what was open at the kill may have come twice"
