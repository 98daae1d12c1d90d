"""Drafts to accept, and a batcher that runs."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.messages import Batcher, Draft, Lane, SuppressionRules
from app.kit.clock import SystemClock
from app.models.message import Kind
from app.settings import Settings
from tests.factories.accounts import MadeAccount

RULES = SuppressionRules(soft_bounces=3, soft_bounce_hours=24)


class Nudges:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def publish(self, jobs: Sequence[Any]) -> None:
        self.jobs.extend(jobs)


@pytest.fixture
def nudges() -> Nudges:
    return Nudges()


@pytest.fixture
async def batcher(engine: AsyncEngine, settings: Settings, nudges: Nudges) -> AsyncIterator[Batcher]:
    batcher = Batcher(engine, settings, nudges, SystemClock())
    await batcher.start()
    yield batcher
    await batcher.close()


def draft_of(account: MadeAccount, *recipients: str, **changes: Any) -> Draft:
    """A plain mail from the account's first sender."""
    address, sender_id = next(iter(account.senders.items()))
    values: dict[str, Any] = {
        "caller": account.caller,
        "sender_id": sender_id,
        "from_address": address,
        "kind": Kind.SEND,
        "lane": Lane.NORMAL,
        "headers": (("From", address), ("To", ", ".join(recipients)), ("Subject", "Hello")),
        "text": "Good day.",
        "html": None,
        "recipients": recipients or ("jo@example.org",),
        "x_headers": None,
        "issues": (),
        "received_at": datetime.now(UTC),
    }
    return Draft(**{**values, **changes})
