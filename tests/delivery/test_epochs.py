"""Which claims of a run may still begin."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.messages import Copy, Owner
from app.delivery import epochs
from app.delivery.epochs import Epochs
from app.models.message import Kind
from app.settings import Settings
from tests.delivery.conftest import running
from tests.delivery.mailing import HoldingServer, Mailing

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def claimed(run_id: int | None, epoch: int = 0) -> Copy:
    kind = Kind.SEND if run_id is None else Kind.CAMPAIGN
    return Copy(1, 1, NOW, 0, 1, 1, 1, 1, 100, kind, "jo@example.org", False, None, run_id=run_id, epoch=epoch)


@pytest.fixture
def changed() -> list[int]:
    return []


@pytest.fixture
def known(engine: AsyncEngine, changed: list[int]) -> Epochs:
    return Epochs(engine, Owner("here", uuid4()), list, changed.append)


def test_what_was_claimed_under_an_older_epoch_is_withdrawn(known: Epochs) -> None:
    known.note(7, 3)
    assert [known.is_withdrawn(claimed(7, epoch)) for epoch in (1, 2, 3, 4)] == [True, True, False, False]
    assert not known.is_withdrawn(claimed(8, 1))
    assert not known.is_withdrawn(claimed(None))


def test_old_news_change_nothing(known: Epochs, changed: list[int]) -> None:
    for epoch in (2, 2, 1, 4, 3):
        known.note(7, epoch)
    assert changed == [7, 7]
    assert known.is_withdrawn(claimed(7, 3))


def test_the_runs_heard_of_long_ago_are_forgotten(known: Epochs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "REMEMBERED", 3)
    for run_id in range(1, 5):
        known.note(run_id, 2)
    known.note(2, 3)
    known.note(5, 2)
    withdrawn = [run_id for run_id in range(1, 6) if known.is_withdrawn(claimed(run_id, 1))]
    assert withdrawn == [2, 4, 5]


async def test_a_notice_that_can_not_be_read_is_passed_over(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    run = await mailing.make.sending(await mailing.campaign(20))
    async with running(to_server):
        for payload in ("", ":", "x:y", "1", f"{run.id}:", f"{run.id}:-5", f":{run.id}", "²:³"):
            await mailing.rows("SELECT pg_notify('runs', $1)", payload)
        await mailing.done(run)
    assert len(server.messages) == 20
