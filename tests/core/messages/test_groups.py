"""A group of outcomes is one statement, and each copy keeps its own: whatever is alike in the group or is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.messages import Batcher, Copy
from app.models.message import State
from tests.core.messages.recording import Ledger, outcome
from tests.factories import Factories

ATTEMPTS = """
    SELECT message_id, attempt, lease_id, attempted_at, outcome, code, enhanced, reply, host, duration_ms
    FROM attempts ORDER BY message_id
"""
QUEUE = "SELECT message_id, due_at, lane, attempt FROM delivery_queue ORDER BY message_id"
STATES = "SELECT id, state, finished_at IS NOT NULL AS final, possible_duplicate FROM messages ORDER BY id"
NOW = datetime.now(UTC)
TAKEN: dict[str, Any] = {"code": 250, "enhanced": "2.0.0", "reply": "Ok: queued", "host": "mx.example.org"}
LATER: dict[str, Any] = {
    "code": 451, "enhanced": "4.7.1", "reply": "Come back later", "host": "mx.example.org",
    "due_at": NOW + timedelta(minutes=5),
}  # fmt: skip


@pytest.fixture
def ledger(engine: AsyncEngine, batcher: Batcher) -> Ledger:
    return Ledger(engine, batcher)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([(State.DELIVERED, TAKEN)] * 4, id="all-alike"),
        pytest.param([(State.DEFERRED, LATER)] * 4, id="all-alike-and-due"),
        pytest.param([(State.DELIVERED, {**TAKEN, "reply": f"Ok: {n}"}) for n in "abcd"], id="but-for-the-reply"),
        pytest.param(
            [(State.DELIVERED, TAKEN), (State.DEFERRED, LATER), (State.DELIVERED, TAKEN), (State.DEFERRED, LATER)],
            id="two-kinds",
        ),
        pytest.param(
            [(State.DELIVERED, TAKEN)] * 3 + [(State.UNCERTAIN, {"duplicate": True, "host": ""})], id="all-but-the-last"
        ),
        pytest.param([(State.DELIVERED, TAKEN)], id="one"),
    ],
)
async def test_each_copy_keeps_what_was_said_of_it(
    ledger: Ledger, make: Factories, told: list[tuple[State, dict[str, Any]]]
) -> None:
    account = await make.account(senders=["news@example.com"])
    copies = await ledger.claim(account, *(f"{number}@example.org" for number in range(len(told))))
    records = [
        outcome(copy, state, at=NOW + timedelta(seconds=number), duration_ms=number, **more)
        for number, (copy, (state, more)) in enumerate(zip(_by_id(copies), told, strict=True))
    ]
    await ledger.record(*reversed(records))
    assert [tuple(row.values()) for row in await ledger.rows(ATTEMPTS)] == [
        (
            one.message_id, one.attempt, one.lease_id, one.attempted_at, one.outcome, one.code, one.enhanced,
            one.reply, one.host, one.duration_ms,
        )
        for one in records
    ]  # fmt: skip
    assert [tuple(row.values()) for row in await ledger.rows(STATES)] == [
        (one.message_id, one.state, one.final, one.duplicate) for one in records
    ]
    assert [tuple(row.values()) for row in await ledger.rows(QUEUE)] == [
        (one.message_id, one.due_at, one.lane, one.attempt + 1) for one in records if one.due_at is not None
    ]


def _by_id(copies: list[Copy]) -> list[Copy]:
    return sorted(copies, key=lambda copy: copy.message_id)
