"""Requests per second: the real script in a real Valkey, with the time given."""

import asyncio
from contextlib import AsyncExitStack

from app.valkey.rate_limit import PAUSE_SECONDS, RateLimits, Taken

LIMIT = 10


class Time:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now


def uncounted() -> None:
    raise AssertionError("Valkey is there")


def patient(url: str, prefix: str, clock: Time | None = None) -> RateLimits:
    """Return limits that do not take a busy machine for a Valkey that is away."""
    return RateLimits(url, uncounted, clock=clock, prefix=prefix, reply_seconds=30.0)


async def test_exactly_the_limit_passes_in_a_window_however_many_ask(shaping_url: str, prefix: str) -> None:
    time = Time()
    async with AsyncExitStack() as stack:
        processes = [patient(shaping_url, prefix, time) for _ in range(4)]
        for process in processes:
            stack.push_async_callback(process.close)
        for _ in range(3):
            taken = await asyncio.gather(*(process.take("jo", LIMIT) for process in processes for _ in range(20)))
            passed = [one for one in taken if one.allowed]
            assert len(passed) == LIMIT
            assert sorted(one.remaining for one in passed) == list(range(LIMIT))
            assert {one.remaining for one in taken if not one.allowed} == {0}
            assert {one.reset_at for one in taken} == {int(time.now) + 2}
            time.now += 0.999
            assert not (await processes[0].take("jo", LIMIT)).allowed
            assert (await processes[0].take("another", LIMIT)).allowed
            time.now += 0.001


async def test_a_window_begins_with_its_first_request(shaping_url: str, prefix: str) -> None:
    time = Time()
    limits = patient(shaping_url, prefix, time)
    assert (await limits.take("jo", 1)).allowed
    time.now = int(time.now) + 1.1  # another second of the clock, the same window
    assert not (await limits.take("jo", 1)).allowed
    time.now += 0.15
    assert (await limits.take("jo", 1)).allowed
    time.now -= 500.0  # a clock that was set back must not lock anybody out
    assert (await limits.take("jo", 1)).allowed
    await limits.close()


async def test_valkeys_own_clock_is_the_default(shaping_url: str, prefix: str) -> None:
    limits = patient(shaping_url, prefix)
    taken = [await limits.take("jo", 3) for _ in range(3)]
    assert [(one.allowed, one.remaining) for one in taken] == [(True, 2), (True, 1), (True, 0)]
    await limits.close()


async def test_without_valkey_everything_passes_and_is_counted() -> None:
    counted: list[int] = []
    limits = RateLimits("redis://127.0.0.1:1/0", lambda: counted.append(1))
    started = asyncio.get_running_loop().time()
    taken = await asyncio.gather(*(limits.take("jo", 1) for _ in range(5)))
    taken += [await limits.take("jo", 1) for _ in range(200)]
    assert {(one.allowed, one.remaining) for one in taken} == {(True, 1)}
    assert isinstance(taken[0], Taken)
    assert len(counted) == len(taken)
    assert asyncio.get_running_loop().time() - started < 2 * PAUSE_SECONDS  # it was not asked each time
    await limits.close()
