"""Several processes: the limit holds through Valkey, without it, and on the way from one to the other."""

import asyncio
import random
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.shaping import Limits, Rules, Shaper, Site, load_rules
from app.delivery.shaping.asking import LEAVE_SECONDS
from app.delivery.shaping.shaper import ALONE_SECONDS, MAX_SITES, TICK_SECONDS
from app.valkey.shares import ValkeyAway
from tests.delivery.shaping.conftest import FakeClock, deferred

HOSTS = ["mx.a.test"]
STEP = 0.02
deaf = ValkeyAway("no answer")


class Fleet:
    """Delivery processes with one clock; each sends all it may."""

    def __init__(self, url: str | None, prefix: str, clock: FakeClock, rules: Rules, count: int = 4) -> None:
        self.clock = clock
        self.shapers = [
            Shaper(
                rules,
                valkey_url=url,
                worker_id=f"worker-{number}",
                now=clock,
                wall=clock,
                share_of=count,
                share_index=number,
                random_source=random.Random(number),
                prefix=prefix,
            )
            for number in range(count)
        ]
        self.sites = [shaper.site("mx:a", HOSTS) for shaper in self.shapers]
        self.ticks = [clock.at + TICK_SECONDS * number / count for number in range(count)]
        self.sent: list[float] = []

    async def run(self, seconds: float, senders: set[int], *, online: bool = True) -> int:
        """Let the senders send for so long; return how many messages began."""
        before, end = len(self.sent), self.clock.at + seconds
        while self.clock.at < end:
            for number, shaper in enumerate(self.shapers):
                if self.clock.at >= self.ticks[number]:
                    self.ticks[number] += TICK_SECONDS
                    if online:
                        await shaper.tick(server_now=self.clock.at)
                    elif not shaper.is_alone:
                        shaper._missed(deaf)
                    elif shaper.is_alone:
                        shaper._even_all()
            for number in senders:
                self._send(self.sites[number])
            self.clock.at += STEP
        return len(self.sent) - before

    def _send(self, site: Site) -> None:
        while site.delay() == 0.0:
            site.begin()
            self.sent.append(self.clock.at)

    def most_in(self, window: float) -> int:
        """Return the most messages that began in any such window."""
        most, first = 0, 0
        for last, at in enumerate(self.sent):
            while self.sent[first] < at - window:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for shaper in self.shapers:
            await shaper.aclose()


def limited(rate: float | None, connections: int = 10) -> Rules:
    return Rules(default=Limits(rate=rate, connections=connections))


@pytest.mark.parametrize("rate", [1.0, 10.0, 50.0])
async def test_a_rate_holds_within_five_percent_with_four_processes(
    shaping_url: str, prefix: str, clock: FakeClock, rate: float
) -> None:
    async with Fleet(shaping_url, prefix, clock, limited(rate)) as fleet:
        sent = await fleet.run(60, {0, 1, 2, 3})
        assert 0.95 * rate * 60 <= sent <= 1.05 * rate * 60


async def test_it_holds_when_the_work_moves_between_processes(shaping_url: str, prefix: str, clock: FakeClock) -> None:
    async with Fleet(shaping_url, prefix, clock, limited(10.0)) as fleet:
        chance = random.Random(7)
        for _ in range(30):
            await fleet.run(2, {number for number in range(4) if chance.random() < 0.6} or {0})
        assert 0.85 * 600 <= len(fleet.sent) <= 1.05 * 600
        for window in (1.0, 5.0, 20.0):
            assert fleet.most_in(window) <= 10.0 * window + 1 + 10.0 * 0.5 + 4


async def test_one_busy_process_gets_nearly_the_whole_rate(shaping_url: str, prefix: str, clock: FakeClock) -> None:
    async with Fleet(shaping_url, prefix, clock, limited(20.0)) as fleet:
        await fleet.run(5, {0, 1, 2, 3})
        await fleet.run(LEAVE_SECONDS + 1, {2})
        assert 0.95 * 600 <= await fleet.run(30, {2}) <= 1.05 * 600
        assert fleet.sites[2].connections == 10


async def test_the_limit_holds_when_valkey_goes_and_comes_back(shaping_url: str, prefix: str, clock: FakeClock) -> None:
    async with Fleet(shaping_url, prefix, clock, limited(20.0)) as fleet:
        everyone = {0, 1, 2, 3}
        await fleet.run(10, everyone)
        assert not fleet.shapers[0].is_alone
        await fleet.run(ALONE_SECONDS + 0.5, everyone, online=False)
        assert all(shaper.is_alone for shaper in fleet.shapers)
        assert [site.rate for site in fleet.sites] == [5.0] * 4
        assert sum(site.connections for site in fleet.sites) == 10
        assert await fleet.run(20, everyone, online=False) <= 1.05 * 400
        await fleet.run(10, everyone)
        assert not fleet.shapers[0].is_alone
        for window in (1.0, 5.0, 20.0):
            assert fleet.most_in(window) <= 20.0 * window + 1 + 20.0 * 0.5 + 4
        assert len(fleet.sent) >= 0.9 * 20 * 41


async def test_one_process_alone_starts_at_once_and_has_everything(
    shaping_url: str, prefix: str, clock: FakeClock
) -> None:
    async with Fleet(shaping_url, prefix, clock, limited(0.5, connections=3), count=1) as fleet:
        assert fleet.sites[0].delay() == 0.0
        assert 30 <= await fleet.run(60, {0}) <= 31
        assert fleet.sites[0].connections == 3
        await fleet.run(10, set())
        assert 29 <= await fleet.run(60, {0}) <= 32, "also after a rest"


async def test_a_refused_server_never_stops_the_local_path() -> None:
    shaper = Shaper(limited(8.0), valkey_url="redis://127.0.0.1:1/0", worker_id="a", share_of=2)
    running = asyncio.create_task(shaper.run())
    await shaper.tick()
    site = shaper.site("mx:a", HOSTS)
    assert shaper.is_alone
    assert site.rate == 4.0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_runs_against_the_servers_own_clock(shaping_url: str, prefix: str) -> None:
    shaper = Shaper(limited(8.0), valkey_url=shaping_url, worker_id="a", prefix=prefix)
    site = shaper.site("mx:a", HOSTS)
    await shaper.tick()
    assert not shaper.is_alone
    assert (site.rate, site.connections) == (8.0, 10)
    running = asyncio.create_task(shaper.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# ---------------------------------------------------------------------------- without Valkey


@given(
    connections=st.integers(1, 30),
    rate=st.floats(0.01, 1000),
    workers=st.integers(1, 16),
    at=st.floats(0, 1e6),
)
def test_even_parts_sum_to_the_limit_at_most(connections: int, rate: float, workers: int, at: float) -> None:
    clock = FakeClock(at)
    fleet = Fleet(None, "", clock, limited(rate, connections=connections), count=workers)
    rates = [site.rate or 0.0 for site in fleet.sites]
    shares = [site.connections for site in fleet.sites]
    assert sum(rates) <= rate * (1 + 1e-9)
    assert sum(shares) <= connections
    assert sum(shares) == min(connections, 10 * workers) or connections > 10 * workers
    if workers <= connections:
        assert min(shares) >= 1


@given(
    rate=st.floats(0.1, 40),
    pattern=st.lists(st.tuples(st.floats(0, 1.5), st.sets(st.integers(0, 3), min_size=1)), min_size=1, max_size=30),
)
def test_without_valkey_no_window_exceeds_the_limit(rate: float, pattern: list[tuple[float, set[int]]]) -> None:
    clock = FakeClock()
    fleet = Fleet(None, "", clock, limited(rate))
    for wait, senders in pattern:
        clock.at += wait
        for number in senders:
            fleet._send(fleet.sites[number])
    for window in (0.5, 2.0, 10.0):
        assert fleet.most_in(window) <= rate * (window + 0.5) + 4 + 1e-6


async def test_with_fewer_connections_than_processes_each_has_its_turn() -> None:
    clock = FakeClock()
    fleet = Fleet(None, "", clock, limited(None, connections=2))
    had: set[int] = set()
    for _ in range(8):
        for shaper in fleet.shapers:
            await shaper.tick()
        shares = [site.connections for site in fleet.sites]
        assert sum(shares) == 2
        had |= {number for number, share in enumerate(shares) if share}
        clock.at += 5
    assert had == {0, 1, 2, 3}


# ---------------------------------------------------------------------------- keeping


async def test_the_same_key_is_the_same_site_and_idle_ones_are_forgotten(clock: FakeClock) -> None:
    shaper = Shaper(limited(5.0), valkey_url=None, worker_id="a", now=clock, wall=clock)
    held = shaper.site("mx:held", HOSTS)
    shaper.site("mx:idle", HOSTS)
    troubled = shaper.site("mx:troubled", HOSTS)
    for _ in range(5):
        troubled.observe(deferred("421 no"))
    del troubled
    clock.at += 1000
    await shaper.tick()
    assert set(shaper._kept) == {"mx:troubled"}
    assert set(shaper._known) == {"mx:troubled", "mx:held"}
    assert shaper.site("mx:held", HOSTS) is held
    assert not shaper.site("mx:troubled", HOSTS).is_open
    for number in range(MAX_SITES + 50):
        shaper.site(f"mx:{number}", HOSTS)
    assert len(shaper._kept) <= MAX_SITES
    assert not shaper.site("mx:troubled", HOSTS).is_open


async def test_a_relay_has_no_limit_but_its_connections(shaping_url: str, prefix: str, clock: FakeClock) -> None:
    shaper = Shaper(
        load_rules(connections=6),
        valkey_url=shaping_url,
        worker_id="a",
        now=clock,
        wall=clock,
        share_of=4,
        prefix=prefix,
    )
    site = shaper.site("relay:127.0.0.1:1025", ["127.0.0.1"])
    for _ in range(20):
        await shaper.tick(server_now=clock.at)
        clock.at += 1
        assert (site.delay(), site.connections, site.rate) == (0.0, 6, None)
        site.begin()
    await shaper.aclose()


async def test_an_operators_file_is_used(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[[site]]\nname = "a"\nhosts = ["*.a.test"]\nrate = "30/minute"\nmessages_per_connection = 7\n')
    shaper = Shaper(load_rules(path), valkey_url=None, worker_id="a", now=clock, wall=clock)
    site = shaper.site("mx:a", HOSTS)
    assert (site.rate, site.messages_per_connection) == (0.5, 7)
