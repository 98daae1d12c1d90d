"""A campaign while parts of the product are killed, stopped and paused: nobody is lost, and everybody is accounted for.

The same functions as `make chaos`, which does it for longer. Real processes, PostgreSQL, Valkey and an SMTP server.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import campaigns
from bench.chaos_blows import Blow
from bench.chaos_campaign import Campaign
from bench.chaos_pauses import LOOK_SECONDS, MARKS
from bench.chaos_run import Attack, Outcome, attack
from bench.chaos_stage import Stage, claims

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]

RECIPIENTS = 1_000
LATENCY = 0.06
SINK = ("--latency-ms", LATENCY * 1000, "--defer", 0.03, *(option for mark in MARKS for option in ("--mark", mark)))


@pytest.fixture(scope="module")
def stage(installation: Path) -> Iterator[Stage]:
    with Stage(SINK, installation, **claims(RECIPIENTS)) as running:
        yield running


def everything_holds(outcome: Outcome) -> None:
    assert outcome.ok, f"{outcome.report()}\n{outcome.line()}"


def test_a_kill_of_each_part_loses_nobody_and_doubles_no_more_than_was_open(stage: Stage) -> None:
    victims = ("delivery-1", "api", "postgres", "valkey")
    blows = [Blow(0.15 + 0.18 * place, victim, signal.SIGKILL, 0.1) for place, victim in enumerate(victims)]
    outcome = attack(stage, Attack(RECIPIENTS, blows, latency=LATENCY), print)
    everything_holds(outcome)
    assert sum(outcome.hands.ended.values()) == len(victims)
    assert outcome.accepted_singles > 0
    assert outcome.hands.open_at_kills <= stage.connections


def test_pauses_hold_at_once_and_change_no_copy_that_was_tried(stage: Stage) -> None:
    outcome = attack(stage, Attack(RECIPIENTS, pauses=5, singles_per_second=5, latency=LATENCY, seed=3), print)
    everything_holds(outcome)
    assert outcome.pauses.cycles == 5
    assert outcome.sum("extra") == 0


def test_a_stop_leaves_nothing_behind_and_accounts_for_the_rest(stage: Stage) -> None:
    campaign = Campaign(stage, RECIPIENTS)
    campaign.start()
    campaign.await_share(0.3)
    run = campaign.tell(campaigns.stop)
    reader, live = stage.reader(), stage.reader().live
    reader.skip()
    time.sleep(LOOK_SECONDS + 2 * LATENCY)  # what is on its way arrives
    assert len(reader.new()) <= live
    campaign.await_end("stopped", 20)
    verdict, seen = campaign.verdict(unreached=run.unreached), campaign.look()
    assert (verdict.lost, verdict.strangers, verdict.left, verdict.faults) == (0, 0, 0, [])
    assert seen.holds
    assert seen.waiting == run.unreached > 0
    assert seen.copies.keys() <= {"delivered", "cancelled"}


def test_a_paused_run_goes_on_after_a_restart(stage: Stage) -> None:
    campaign = Campaign(stage, RECIPIENTS)
    campaign.start()
    campaign.await_share(0.3)
    campaign.tell(campaigns.pause)
    senders = ("scheduler", *stage.deliveries)
    stage.end(*senders, number=signal.SIGTERM)
    stage.start_again(*senders)
    assert campaign.state() == "paused"
    campaign.tell(campaigns.resume)
    campaign.await_end(seconds=60)
    verdict = campaign.verdict()
    assert (verdict.lost, verdict.doubled, verdict.other_content, verdict.faults) == (0, 0, 0, [])
