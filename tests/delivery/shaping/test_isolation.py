"""Of fifty destinations one answers 421 to everything and one is slow; the others must not notice."""

import heapq
import random
from collections import deque

from app.delivery.shaping import Limits, Rules, Shaper, Site
from app.mail.smtp.outcome import Outcome
from tests.delivery.shaping.conftest import FakeClock, deferred, delivered

RATE = 10.0
SECONDS = 60.0
SITES = 50
BAD, SLOW = 7, 23
SLOTS = 400
"""Messages the process holds at most, as `max_in_flight`."""


def delivered_by_site(*, bad: bool, slow: bool) -> tuple[list[int], int]:
    """Run a process that fills its slots in turns; return deliveries by site, and attempts at the bad one."""
    clock = FakeClock(0.0)
    rules = Rules(default=Limits(connections=5, rate=RATE, circuit_failures=5, circuit_seconds=15))
    shaper = Shaper(rules, valkey_url=None, worker_id="a", now=clock, wall=clock, random_source=random.Random(3))
    sites = [shaper.site(f"mx:{number}", [f"mx{number}.test"]) for number in range(SITES)]
    ends: list[tuple[float, int, Outcome]] = []
    talking = [0] * SITES
    done = [0] * SITES
    attempts = 0
    order = deque(range(SITES))
    while clock.at < SECONDS:
        while ends and ends[0][0] <= clock.at:
            _, number, outcome = heapq.heappop(ends)
            talking[number] -= 1
            sites[number].observe(outcome)
            done[number] += outcome.code == 250
        for _ in range(SITES):
            number = order[0]
            order.rotate(-1)
            site: Site = sites[number]
            while len(ends) < SLOTS and talking[number] < site.connections and site.delay() == 0.0:
                site.begin()
                talking[number] += 1
                refused = bad and number == BAD
                attempts += number == BAD
                took = 20.0 if slow and number == SLOW else 0.1
                outcome = deferred("421 4.7.0 try again later") if refused else delivered()
                heapq.heappush(ends, (clock.at + took + number * 1e-9, number, outcome))
        clock.at += 0.01
    return done, attempts


def test_the_others_keep_their_rate() -> None:
    alone, _ = delivered_by_site(bad=False, slow=False)
    done, attempts = delivered_by_site(bad=True, slow=True)
    for number in set(range(SITES)) - {BAD, SLOW}:
        assert done[number] >= 0.95 * alone[number]
        assert 0.95 * RATE * SECONDS <= done[number] <= 1.05 * RATE * SECONDS
    assert done[BAD] == 0
    assert attempts <= 25, "the circuit leaves the bad one alone"
    assert done[SLOW] > 0
