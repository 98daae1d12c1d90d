"""Whatever is pressed in whatever order, in whosever words: the campaign does what the table of moves says."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import campaigns
from app.core.campaigns import Family, Overrides, RunState, Start
from app.core.campaigns.state import Move, Stay, Verb, cell, column_of
from app.core.errors import Conflict, Invalid
from tests.core.campaigns.conftest import Stage, starting

HOUR = timedelta(hours=1)
BUTTONS = [verb for verb in Verb if verb is not Verb.DELETE]
FORESEEN = {"clock": "its time comes", "due": "the scheduler looks", "snapshot": "a worker", "finish": "all is sent"}
PRESSES = st.tuples(st.sampled_from(Family), st.sampled_from(BUTTONS), st.sampled_from([None, HOUR, -HOUR]))
STEPS = st.lists(PRESSES | st.sampled_from(sorted(FORESEEN)), min_size=3, max_size=14)


@dataclass
class Model:
    """Where the campaign should stand."""

    state: RunState = RunState.DRAFT
    ahead: bool = False
    """Whether the time of its run lies ahead."""
    fixed: bool = False
    """Whether its targets are fixed."""
    runs: int = 0
    history: list[object] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        return self.ahead and not self.fixed

    def press(self, family: Family, verb: Verb, delta: timedelta | None) -> type[Exception] | None:
        """Move as the table says; return the error that is due instead."""
        found = cell(family, verb, column_of(self.state, ahead=self.waits))
        if found is Stay.REFUSED:
            return Conflict
        if not isinstance(found, Move):
            return None
        timed = verb in {Verb.START, Verb.SCHEDULE}
        given_ahead = timed and delta is not None and delta > timedelta(0)
        if verb is Verb.SCHEDULE and family is not Family.DYNO and not given_ahead:
            return Invalid
        if found.new_run or (verb is Verb.SCHEDULE and not self.runs):
            self.runs += 1
            self.fixed = False
        if timed:
            self.ahead = given_ahead and found.if_ahead is not None
        self.state = found.target(ahead=given_ahead)
        if self.state is RunState.QUEUED and self.fixed:
            self.state = RunState.SENDING
        return None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_a_campaign_goes_where_the_table_says(stage: Stage, steps: list[Any]) -> None:
    stage.campaign = await stage.make.campaign(stage.account, [stage.audience])
    model, epoch = Model(), 0
    for step in steps:
        model.history.append(step)
        before = model.state, model.runs
        if isinstance(step, str):
            await happen(stage, model, step)
        else:
            await press(stage, model, *step)
        view = await stage.view()
        assert view.state == model.state, model.history
        if view.run is not None:
            assert (view.run.total is not None) == model.fixed, model.history
            if (model.state, model.runs) != before and model.runs == before[1]:
                assert view.run.epoch >= epoch, model.history
            epoch = view.run.epoch
        rows = await stage.fetch("SELECT count(*) FROM runs WHERE campaign_id = $1", stage.campaign.id)
        assert rows[0]["count"] == model.runs, model.history


async def press(stage: Stage, model: Model, family: Family, verb: Verb, delta: timedelta | None) -> None:
    """Press a button, and see that it answers as it should."""
    at: Start | None = starting(delta) if delta is not None else None
    before = model.state
    due = model.press(family, verb, delta)
    values: dict[Verb, dict[str, object]] = {
        Verb.START: {"at": at},
        Verb.SCHEDULE: {"at": at},
        Verb.UPDATE_AND_RESUME: {"overrides": Overrides(subject=f"After {len(model.history)}")},
        Verb.CHANGE: {"preheader": f"After {len(model.history)}"},
    }
    raised: Exception | None = None
    try:
        await stage.do(getattr(campaigns, verb.value), family=family, **values.get(verb, {}))
    except (Conflict, Invalid) as error:
        raised = error
    assert type(raised) is (due or type(None)), model.history
    if isinstance(raised, Conflict):
        assert raised.state == before, model.history


async def happen(stage: Stage, model: Model, event: str) -> None:
    """Let something happen that nobody presses."""
    match event:
        case "clock":
            await stage.fetch(
                "UPDATE runs SET start_at = now() - interval '1 second' WHERE campaign_id = $1 AND start_at > now()",
                stage.campaign.id,
            )
            model.ahead = False
        case "due":
            await campaigns.start_due(stage.engine)
            if model.state is RunState.SCHEDULED and not model.ahead:
                model.state = RunState.QUEUED
        case "snapshot":
            for run_id in await campaigns.queued(stage.engine):
                await campaigns.snapshot(stage.engine, run_id)
            if model.state is RunState.QUEUED:
                model.state, model.fixed = RunState.SENDING, True
        case "finish":
            await stage.fetch("UPDATE runs SET next_seq = total + 1 WHERE state = 'sending'")
            await campaigns.finish(stage.engine)
            if model.state is RunState.SENDING:
                model.state = RunState.DONE
