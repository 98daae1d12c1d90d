"""Warm-up: a day's count holds exactly, is spread over the day, and ends with the plan."""

from contextlib import AsyncExitStack
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.shaping import Budget, Rules, Shaper, WarmupPlan
from app.delivery.shaping.budget import Part
from app.delivery.shaping.warmup import DayBucket
from tests.delivery.shaping.conftest import FakeClock

PLAN = WarmupPlan(date(2026, 11, 20), (50, 2000))
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
ALONE = Part(1, 0)


def send_until(budget: Budget, clock: FakeClock, end: float) -> list[float]:
    """Send as fast as the budget allows; return the instants."""
    sent = []
    for _ in range(10_000):
        wait = budget.delay()
        if wait > 0:
            clock.at += wait
        if clock.at >= end:
            break
        if budget.delay() == 0.0:
            budget.begin()
            sent.append(clock.at)
    return sent


def test_a_day_is_spread_and_exact() -> None:
    clock = FakeClock(MIDNIGHT)
    sent = send_until(Budget("a.test", PLAN, wall=clock, part=ALONE), clock, MIDNIGHT + 86_400 - 1e-3)
    assert 49 <= len(sent) <= 50
    assert len([at for at in sent if at < MIDNIGHT + 43_200]) in range(24, 28)


def test_what_is_left_of_the_day_is_spread_and_not_sent_at_once() -> None:
    clock = FakeClock(MIDNIGHT + 86_400 + 72_000)  # the second day, 20:00
    sent = send_until(Budget("a.test", PLAN, wall=clock, part=ALONE), clock, MIDNIGHT + 2 * 86_400 - 1e-3)
    assert 1990 <= len(sent) <= 2000
    first_hour = [at for at in sent if at < MIDNIGHT + 86_400 + 75_600]
    assert len(first_hour) <= 2000 / 4 + 20 + 1


def test_before_the_plan_nothing_and_after_it_everything() -> None:
    clock = FakeClock(MIDNIGHT - 10)
    budget = Budget("a.test", PLAN, wall=clock, part=ALONE)
    assert budget.delay() == pytest.approx(10)
    clock.at = MIDNIGHT + 2 * 86_400
    for _ in range(10_000):
        assert budget.delay() == 0.0
        budget.begin()
    shaper = Shaper(Rules(warmups={"a.test": PLAN}), valkey_url=None, worker_id="w", wall=clock)
    assert shaper.warmup("A.test") is None
    assert shaper.warmup("b.test") is None


@given(waits=st.lists(st.floats(0, 20_000), min_size=1, max_size=40), count=st.integers(0, 300))
def test_no_pattern_exceeds_the_day(waits: list[float], count: int) -> None:
    now, taken = MIDNIGHT, 0
    bucket = DayBucket(count, now)
    for wait in waits:
        now += wait
        if now >= MIDNIGHT + 86_400:
            break
        while bucket.take(now):
            taken += 1
    assert taken <= count
    assert bucket.left == count - taken


@given(count=st.integers(0, 10_000), workers=st.integers(1, 20))
def test_even_parts_make_the_whole(count: int, workers: int) -> None:
    assert sum(Part(workers, rank).of(count) for rank in range(workers)) == count
    assert workers * Part(workers, None).of(count) <= count


async def test_two_processes_share_a_day_and_lose_valkey(shaping_url: str, prefix: str) -> None:
    clock = FakeClock(MIDNIGHT + 86_400 + 82_800)  # 23:00
    rules = Rules(warmups={"a.test": PLAN})
    two = [
        Shaper(rules, valkey_url=shaping_url, worker_id=name, now=clock, wall=clock, share_of=2, prefix=prefix)
        for name in "ab"
    ]
    end = MIDNIGHT + 2 * 86_400
    sent = 0
    async with AsyncExitStack() as stack:
        for shaper in two:
            stack.push_async_callback(shaper.aclose)
        for shaper in two:
            await shaper.tick(server_now=clock.at)
        while clock.at < end - 5:
            for shaper in two:
                budget = shaper.warmup("a.test")
                assert budget is not None
                while budget.delay() == 0.0:
                    budget.begin()
                    sent += 1
                if clock.at < MIDNIGHT + 86_400 + 84_000:
                    await shaper.tick(server_now=clock.at)
                elif not shaper.is_alone:
                    shaper._alone = True
                    shaper._even_all()
            clock.at += 5
        assert 1960 <= sent <= 2000
