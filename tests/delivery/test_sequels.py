"""What simulated recipients do once their mail is delivered: complain, unsubscribe, open, click; once each."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.db.engine import driver_connection
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing
from tests.delivery.test_crash import process

STATES = "SELECT string_agg(DISTINCT state, ',') FROM messages"
LINKED = '<p><a href="https://shop.example/sale">Sale</a> <a href="https://shop.example/more">More</a></p>'
TRACKED: dict[str, Any] = {
    "html": LINKED,
    "tracking": 7,
    "links": ("https://shop.example/sale", "https://shop.example/more"),
}
COUNTS = """
    SELECT sum(delivered)::int AS delivered, sum(complaints)::int AS complaints, sum(unsubscribes)::int AS unsubscribes,
        sum(opens)::int AS opens, sum(unique_opens)::int AS unique_opens, sum(clicks)::int AS clicks
    FROM hourly_counts
"""
DONE = """
    SELECT (SELECT count(*) FROM complaints) + (SELECT count(*) FROM unsubscriptions) + (SELECT count(*) FROM opens)
        + (SELECT count(*) FROM clicks)
"""


async def test_each_recipient_does_what_its_address_says(
    to_server: Settings, server: HoldingServer, post: Post
) -> None:
    names = ["complaint+1", "Unsubscribe", "open+x", "click", "delivered"]
    recipients = [f"{name}@simulator.test" for name in names]
    await post.accept(*recipients, **TRACKED)
    async with running(to_server):
        await post.until(DONE, 4)
    assert await post.rows(COUNTS) == [
        {"delivered": 5, "complaints": 1, "unsubscribes": 1, "opens": 1, "unique_opens": 1, "clicks": 1}
    ]
    assert await post.rows("SELECT address, reason FROM suppressions ORDER BY 1") == [
        {"address": "complaint+1@simulator.test", "reason": "complaint"},
        {"address": "unsubscribe@simulator.test", "reason": "unsubscribe"},
    ]
    assert await post.rows("SELECT link, url FROM clicks") == [{"link": 0, "url": "https://shop.example/sale"}]
    assert await post.rows("SELECT source FROM complaints") == [{"source": "simulator"}]
    assert await post.rows("SELECT means FROM unsubscriptions") == [{"means": "simulator"}]
    order = "SELECT count(*) AS n FROM messages JOIN complaints ON message_id = id WHERE complained_at < delivered_at"
    assert await post.rows(order) == [{"n": 0}]
    assert server.messages == []
    assert list((to_server.data_dir / "journals").iterdir()) == []


async def test_without_tracked_links_nothing_is_clicked_and_an_open_is_recorded_all_the_same(
    to_server: Settings, post: Post
) -> None:
    await post.accept("click@simulator.test", "open@simulator.test", html=LINKED)
    async with running(to_server):
        await post.until("SELECT count(*) FROM opens", 1)
    assert await post.rows("SELECT FROM clicks") == []


async def test_recipients_of_a_campaign_do_so_too(to_server: Settings, mailing: Mailing) -> None:
    names = ("complaint", "unsubscribe", "open", "click", "hardbounce")
    run = await mailing.make.sending(await mailing.campaign({f"{name}@simulator.test": {} for name in names}))
    async with running(to_server):
        await mailing.until(DONE, 4)
        await mailing.done(run)
    assert await mailing.rows("SELECT address, status FROM contacts ORDER BY 1") == [
        {"address": "click@simulator.test", "status": "subscribed"},
        {"address": "complaint@simulator.test", "status": "spam-reported"},
        {"address": "hardbounce@simulator.test", "status": "blacklisted"},
        {"address": "open@simulator.test", "status": "subscribed"},
        {"address": "unsubscribe@simulator.test", "status": "unsubscribed"},
    ]
    assert await mailing.rows("SELECT url FROM clicks") == [{"url": "https://shop.example/sale"}]
    assert await mailing.rows(
        "SELECT delivered, opens, clicks, complaints, unsubscribes, hard_bounces FROM run_counts"
    ) == [{"delivered": 4, "opens": 1, "clicks": 1, "complaints": 1, "unsubscribes": 1, "hard_bounces": 1}]


@pytest.mark.parametrize(("local", "table"), [("complaint", "complaints"), ("open", "opens")])
async def test_a_process_killed_after_the_delivery_leaves_the_rest_to_the_next(
    to_server: Settings, post: Post, local: str, table: str
) -> None:
    await post.accept(f"{local}@simulator.test")
    async with driver_connection(post.engine) as blocker:
        holding = blocker.transaction()
        await holding.start()
        await blocker.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        async with process(to_server):
            await post.until(STATES, "delivered")
            await waits(post, table)
        await holding.rollback()
    assert await post.rows(f"SELECT FROM {table}") == []
    journals = list((to_server.data_dir / "journals").iterdir())
    assert len(journals) == 1
    async with running(to_server):
        await post.until(f"SELECT count(*) FROM {table}", 1)  # noqa: S608 names are ours
        await post.gone(journals[0])
    assert await post.rows(COUNTS + " HAVING sum(delivered) = 1") != []
    assert (await post.rows(f"SELECT sum({table}) AS n FROM daily_counts"))[0]["n"] == 1  # noqa: S608 names are ours


async def test_what_was_done_and_not_forgotten_is_not_done_twice(to_server: Settings, post: Post) -> None:
    """The process is killed between the commit of what follows and the journal."""
    locals_ = ("complaint", "unsubscribe", "open", "click")
    await post.accept(*(f"{local}@simulator.test" for local in locals_), **TRACKED)
    async with process(to_server):
        await post.until(DONE, 4)
        before = await asyncio.to_thread(keep, to_server.data_dir / "journals")
    await asyncio.to_thread(put_back, to_server.data_dir / "journals", before)
    async with running(to_server):
        for name in before:
            await post.gone(to_server.data_dir / "journals" / name)
    assert await post.rows(COUNTS) == [
        {"delivered": 4, "complaints": 1, "unsubscribes": 1, "opens": 1, "unique_opens": 1, "clicks": 1}
    ]
    assert await post.rows(DONE) == [{"?column?": 4}]


def keep(folder: Path) -> dict[str, bytes]:
    """Copy the journals, with the notes that were forgotten in them: their slots are only marked as free."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put_back(folder: Path, journals: dict[str, bytes]) -> None:
    """Bring the notes of the journals back: every slot that was ever used counts as replied to."""
    slot, replied = 320, 2
    for name, data in journals.items():
        raw = bytearray(data)
        for offset in range(0, len(raw), slot):
            if any(raw[offset + 1 : offset + slot]):
                raw[offset] = replied
        (folder / name).write_bytes(bytes(raw))


async def waits(post: Post, table: str) -> None:
    """Wait until somebody waits for a lock on a table or one of its partitions."""
    await post.until(
        "SELECT count(*) > 0 FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE NOT granted"
        " AND relname LIKE $1 || '%'",
        True,
        table,
    )
