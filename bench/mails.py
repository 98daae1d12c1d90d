"""The mail of the benchmarks, as drafts for the batcher."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Caller, KeyRing
from app.core.messages import Batcher, Draft, Lane
from app.kit.clock import SystemClock
from app.models.message import Kind
from app.settings import Settings

TEXT = "The parcel is on its way and arrives tomorrow.\r\n" * 30
"""Some 1,450 octets; with its header section the mail has about 2 KB."""
AT_ONCE = 2_000
_numbers = itertools.count(1)


class Nobody:
    """Takes nudges and drops them."""

    def publish(self, jobs: Sequence[Any]) -> None:
        """Do nothing."""


def headers(sender: str, recipient: str) -> tuple[tuple[str, str], ...]:
    """Return the header lines of a mail."""
    return (
        ("From", f"Bench <{sender}>"),
        ("To", recipient),
        ("Subject", "Your order has been shipped"),
        ("Reply-To", "service@localhost.test"),
        ("List-Unsubscribe", "<https://mail.localhost.test/u/abcdefghijklmnopqrstuvwxyz>"),
    )


async def lay(settings: Settings, key: str, sender: tuple[int, str], count: int, engine: AsyncEngine) -> float:
    """Put that many mails into the queue through a batcher of this process; return copies a second."""
    caller = await KeyRing(engine).fresh(key)
    batcher = Batcher(engine, settings, Nobody(), SystemClock())
    await batcher.start()
    began = time.perf_counter()
    try:
        for start in range(0, count, AT_ONCE):
            drafts = [_draft(caller, sender) for _ in range(min(AT_ONCE, count - start))]
            await asyncio.gather(*map(batcher.accept, drafts))
    finally:
        await batcher.close()
    return count / (time.perf_counter() - began)


def _draft(caller: Caller, sender: tuple[int, str]) -> Draft:
    recipient = f"recipient{next(_numbers)}@example.com"
    return Draft(
        caller=caller,
        sender_id=sender[0],
        from_address=sender[1],
        kind=Kind.SEND,
        lane=Lane.NORMAL,
        headers=headers(sender[1], recipient),
        text=TEXT,
        html=None,
        recipients=(recipient,),
        x_headers=None,
        issues=(),
        received_at=datetime.now(UTC),
    )
