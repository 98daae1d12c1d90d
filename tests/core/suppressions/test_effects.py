"""What an entry stops, by its reason (docs/contract/dyn-email.md, 16).

Campaigns: tests/core/messages/test_runs.py.
"""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts
from app.core.messages import Batcher
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.clock import SystemClock
from app.mail.addresses import parse_mailbox
from app.models.message import Kind
from app.settings import Settings
from tests.core.messages.conftest import Nudges, draft_of
from tests.factories import Factories


async def test_every_reason_blocks_mail_until_the_entry_goes(
    make: Factories, engine: AsyncEngine, settings: Settings
) -> None:
    account = await make.account(senders=["news@example.com"])
    recipients = [parse_mailbox(f"Gone.{reason}@B\u00fccher.example").address for reason in Reason]
    batcher = Batcher(engine, settings, Nudges(), SystemClock())
    await batcher.start()
    try:
        async with unit_of_work(engine) as write:
            for reason in Reason:
                await contacts.suppress(write, account.id, [f"gone.{reason}@b\u00fccher.EXAMPLE"], reason)
        for kind in (Kind.SEND, Kind.SMTP):
            await batcher.accept(draft_of(account, *recipients, kind=kind))
        async with unit_of_work(engine) as write:
            assert len(await contacts.unsuppress(write, account.id, recipients)) == len(Reason)
        await batcher.accept(draft_of(account, *recipients))
    finally:
        await batcher.close()
    async with driver_connection(engine) as connection:
        rows = await connection.fetch("SELECT blocked_reason, state FROM messages ORDER BY id")
    blocked = [(reason, "blocked") for reason in Reason]
    assert [tuple(row) for row in rows] == [*blocked, *blocked, *[(None, "queued")] * len(Reason)]
