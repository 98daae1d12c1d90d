"""kill -9 of the outbox process among its automations: each contact gets each mail once."""

import asyncio
import signal
from collections import Counter

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.settings import Settings
from tests.core.automations.world import World
from tests.e2e.outbox.process import outbox
from tests.factories import Factories

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]

CONTACTS = 500
TAG = "INSERT INTO domain_events (account_id, type, contact_id, audience_id, address, data)"
MAILS = "SELECT recipient FROM messages WHERE kind = 'automation'"


async def test_a_kill_loses_no_run_and_doubles_no_mail(
    settings: Settings, make: Factories, engine: AsyncEngine
) -> None:
    world = await World(make, engine, settings).open()
    trigger = {"type": "tag_added", "tag": "trial"}
    steps = (world.send(), {"type": "add_tag", "tag": "one"}, world.send(subject="Second"))
    automation = await world.automation(*steps, trigger=trigger)
    addresses = await make.contacts(world.audience, CONTACTS)
    tagged = "SELECT account_id, 'contact.tagged', id, audience_id, address, '{\"tags\": [\"trial\"]}' FROM contacts"
    await world.rows(f"{TAG} {tagged}")
    killed = 0
    for part in (0.3, 1.3):
        with outbox(settings) as process:
            async with asyncio.timeout(40):
                while len(await world.rows(MAILS)) < part * CONTACTS:  # noqa: ASYNC110 it is the database that tells
                    await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
        killed += len(await world.rows(MAILS)) < 2 * CONTACTS
    assert killed, "killed too late to tell anything"
    with outbox(settings) as last:
        async with asyncio.timeout(60):
            while await world.finished() < CONTACTS:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        last.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(last.wait, 15) == 0
    got = Counter(row["recipient"] for row in await world.rows(MAILS))
    assert got == Counter(dict.fromkeys(addresses, 2))
    assert await world.counts(automation) == (CONTACTS, 0, CONTACTS, 0)
    assert len(await world.rows("SELECT FROM contacts WHERE tags = '{one}'")) == CONTACTS
    queued = await world.rows("SELECT FROM delivery_queue")
    assert len(queued) == 2 * CONTACTS
