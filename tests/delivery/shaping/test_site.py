"""A site: circuit, back-off, recovery."""

import random
from dataclasses import replace

import pytest

from app.delivery.shaping import Limits, Site
from app.delivery.shaping.backoff import HOLD_SECONDS, LEAST_FACTOR
from app.delivery.shaping.site import ASK_AGAIN_SECONDS
from tests.delivery.shaping.conftest import FakeClock, deferred, delivered

BUSY = deferred("421 4.7.0 too much mail from you")
LIMITS = Limits(connections=10, circuit_failures=5, circuit_seconds=10, circuit_seconds_max=40)


def make(clock: FakeClock, *, rate: float | None = None, connections: int = 10, limits: Limits = LIMITS) -> Site:
    return Site("mx:a", limits, connections=connections, rate=rate, now=clock, random_source=random.Random(1))


def test_without_a_limit_nothing_waits(clock: FakeClock) -> None:
    site = make(clock)
    for _ in range(10_000):
        assert site.delay() == 0.0
        site.begin()
    assert site.is_open
    assert site.connections == 10
    assert site.messages_per_connection == 100


def test_an_unlimited_rate_becomes_half_of_what_was_observed_and_recovers(clock: FakeClock) -> None:
    site = make(clock)
    for _ in range(400):
        clock.at += 0.01
        site.begin()
        site.observe(delivered())
    site.observe(BUSY)
    assert site.rate == pytest.approx(50, rel=0.02)
    assert site.connections == 5
    site.observe(BUSY)
    assert site.rate == pytest.approx(50, rel=0.02), "answers of the same moment count once"
    rates = []
    for _ in range(65):
        clock.at += 1.0
        site.begin()
        site.observe(delivered())
        rates.append(site.rate)
    limited = [rate for rate in rates if rate is not None]
    assert limited == sorted(limited)
    assert 50 <= limited[10] <= 62
    assert rates[-1] is None
    assert site.connections == 10
    assert site.delay() == 0.0


def test_back_off_has_an_end_and_keeps_one_connection(clock: FakeClock) -> None:
    site = make(clock, rate=64.0, limits=replace(LIMITS, circuit_failures=1000))
    for _ in range(300):
        clock.at += 0.1
        site.begin()
    for _ in range(20):
        clock.at += HOLD_SECONDS
        site.observe(BUSY)
    assert site.rate is not None
    assert 0 < LEAST_FACTOR <= site.rate <= 1
    assert site.connections == 1


def test_the_circuit_opens_probes_and_doubles(clock: FakeClock) -> None:
    site = make(clock)
    for _ in range(4):
        site.observe(BUSY)
    assert site.is_open
    site.observe(BUSY)
    assert not site.is_open
    assert site.connections == 0
    openings = [site.delay()]
    for _ in range(4):
        clock.at += site.delay()
        assert site.delay() == 0.0
        assert site.connections == 1, "for the probe"
        site.begin()
        assert site.delay() > 60, "one probe only"
        site.observe(BUSY)
        assert site.connections == 0
        openings.append(site.delay())
    for seconds, expected in zip(openings, (10, 20, 40, 40, 40), strict=True):
        assert 0.8 * expected <= seconds <= 1.2 * expected
    clock.at += site.delay()
    site.begin()
    site.observe(delivered())
    assert site.is_open
    assert site.connections >= 1


def test_a_late_success_does_not_close_an_open_circuit(clock: FakeClock) -> None:
    site = make(clock)
    for _ in range(5):
        site.observe(BUSY)
    site.observe(delivered())
    assert not site.is_open
    before = site.delay()
    site.observe(BUSY)
    assert site.delay() == before, "nor does a late failure make it longer"


def test_a_lost_probe_is_repeated(clock: FakeClock) -> None:
    site = make(clock)
    for _ in range(5):
        site.observe(deferred("0", code=0, enhanced="4.4.1"))
    clock.at += site.delay()
    site.begin()
    site.observe(deferred("0", code=0, enhanced="4.3.0"))
    assert site.delay() == 0.0, "an outcome of our own making says nothing"
    site.begin()
    clock.at += site.delay()
    assert site.delay() == 0.0, "nor is a probe without an outcome waited for for ever"


@pytest.mark.parametrize("reply", ["450 4.7.1 Greylisted", "452 4.2.2 full", "550 5.1.1 no such user"])
def test_ordinary_refusals_do_not_open_it(clock: FakeClock, reply: str) -> None:
    site = make(clock)
    outcome = deferred(reply)
    if outcome.code == 550:
        outcome = replace(outcome, status=outcome.status.REJECTED)
    for _ in range(1000):
        site.observe(outcome)
    assert site.is_open
    assert site.rate is None
    for _ in range(4):
        site.observe(deferred("0", code=0, enhanced="4.4.1"))
    site.observe(outcome)
    site.observe(deferred("0", code=0, enhanced="4.4.1"))
    assert site.is_open, "an answer ends the row of failures"


def test_without_a_share_it_waits_and_says_so(clock: FakeClock) -> None:
    site = make(clock, rate=0.0)
    site.begin()
    assert site.delay() == ASK_AGAIN_SECONDS
    assert site.is_starved
    none = make(clock, connections=0)
    assert none.delay() == ASK_AGAIN_SECONDS
    none.grant(connections=2, rate=None)
    assert (none.delay(), none.connections) == (0.0, 2)
