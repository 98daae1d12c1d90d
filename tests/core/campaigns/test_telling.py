"""What verbs and the engine tell the outbox, each in the transaction that makes it so."""

from datetime import timedelta

import pytest

from app.core import campaigns
from app.core.campaigns import Family
from app.db.unit_of_work import WriteSession
from tests.core.campaigns.conftest import Stage, starting


class Forced(Exception):
    """Undoes a transaction."""


TOLD = "SELECT type, data FROM domain_events WHERE type LIKE 'campaign.%' ORDER BY id"


async def told(stage: Stage) -> list[str]:
    return [row["type"].removeprefix("campaign.") for row in await stage.fetch(TOLD)]


async def test_a_run_from_its_start_to_its_end(stage: Stage) -> None:
    run = await stage.sending()
    await stage.do(campaigns.pause)
    await stage.do(campaigns.pause)
    await stage.do(campaigns.resume, family=Family.DYNO)
    await stage.fetch("UPDATE runs SET next_seq = total + 1")
    assert await campaigns.finish(stage.engine) == [run.id]
    assert await campaigns.finish(stage.engine) == []
    assert await told(stage) == ["started", "paused", "resumed", "finished"]
    rows = await stage.fetch(TOLD)
    assert {(row["data"]["campaign_id"], row["data"]["run_id"]) for row in rows} == {(stage.campaign.id, run.id)}
    assert rows[0]["data"]["recipients"] == 3


async def test_a_schedule_and_a_stop(stage: Stage) -> None:
    at = starting(timedelta(hours=1))
    await stage.do(campaigns.schedule, at=at)
    await stage.do(campaigns.cancel_schedule)
    await stage.do(campaigns.schedule, at=at)
    await stage.do(campaigns.stop)
    await stage.do(campaigns.stop)
    assert await told(stage) == ["scheduled", "scheduled", "stopped"]
    assert (await stage.fetch(TOLD))[0]["data"]["send_at"] == at.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def test_a_run_for_nobody_starts_and_finishes(stage: Stage) -> None:
    await stage.fetch("UPDATE contacts SET status = 'unsubscribed'")
    await stage.sending()
    assert await told(stage) == ["started", "finished"]


async def test_what_the_platform_holds_back_tells_why(stage: Stage) -> None:
    run = await stage.sending()
    assert await campaigns.hold(stage.engine, run.id)
    await stage.do(campaigns.resume)
    assert await campaigns.fail(stage.engine, run.id, "the reason")
    assert not await campaigns.fail(stage.engine, run.id, "again")
    assert await told(stage) == ["started", "paused", "resumed", "failed"]
    errors = [row["data"].get("error") for row in await stage.fetch(TOLD)]
    assert errors == [None, "monthly quota spent", None, "the reason"]


async def test_a_verb_that_is_undone_tells_nothing(stage: Stage) -> None:
    await stage.sending()

    async def pause_in_vain(write: WriteSession, account_id: int, campaign_id: int) -> None:
        await campaigns.pause(write, account_id, campaign_id)
        raise Forced

    with pytest.raises(Forced):
        await stage.do(pause_in_vain)
    assert await told(stage) == ["started"]
