"""Destinations: what waits, what is given back, what goes first. Real sites, sessions and server; a desk that notes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from app.core.messages import Copy
from app.delivery import gates
from app.delivery.gates import Gate, Gates
from app.delivery.shaping import Limits, Rules, Shaper
from app.delivery.transmission import Obligations, Transmission
from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import Host, Route
from app.models.message import Kind
from tests.delivery.mailing import HoldingServer, eventually

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Desk:
    """Notes what became of each copy."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, Outcome]] = []
        self.returned: list[tuple[str, float]] = []
        self.withdrawn: set[str] = set()

    def may_begin(self, job: Transmission) -> bool:
        if job.recipient in self.withdrawn:
            self.give_back(job)
            return False
        return True

    def settle(self, job: Transmission, outcome: Outcome) -> None:
        self.settled.append((job.recipient, outcome))

    def give_back(self, job: Transmission, after_seconds: float = 0.0) -> None:
        self.returned.append((job.recipient, after_seconds))

    async def until(self, settled: int = 0, returned: int = 0) -> None:
        await eventually(lambda: len(self.settled) >= settled and len(self.returned) >= returned)


def job_for(recipient: str, lane: int = 1) -> Transmission:
    copy = Copy(1, 1, NOW, 0, lane, 1, 1, 1, 100, Kind.SEND, recipient, False, None)
    return Transmission(
        copy,
        lambda: b"Subject: Hi\r\n\r\nHello\r\n",
        envelope_from="bounces@example.com",
        size=30,
        smtputf8=False,
        obligations=Obligations(lambda _: False, lambda _message, _attempt: None),
    )


def open_pool(route: Route, gate: Gate, connections: int = 1) -> Pool:
    return Pool(route, gate, connections=connections, helo_name="mail.example.com", connect_timeout=5, reply_timeout=5)


Make = Callable[..., Gates]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def opened(desk: Desk) -> AsyncIterator[Make]:
    """Makes gates with limits; all are closed afterwards."""
    made: list[Gates] = []

    def make(*, is_shared: bool = True, connections: int = 1, **limits: object) -> Gates:
        rules = Rules(default=Limits(**limits), relay=Limits(shared=False))  # type: ignore[arg-type]
        shaper = Shaper(rules, valkey_url=None, worker_id="one")
        made.append(Gates(shaper, desk, partial(open_pool, connections=connections), is_shared=is_shared))
        return made[-1]

    yield make
    for one in made:
        await one.close(1)


def route_to(server: HoldingServer, key: str = "mx:mx.example.org") -> Route:
    return Route(key, (Host("mx.example.org", server.port, server.host),), tls="none")


async def test_lower_lanes_go_first(desk: Desk, opened: Make, server: HoldingServer) -> None:
    gate = opened(is_shared=False).of(route_to(server))
    for number, lane in enumerate((2, 1, 0, 7, 1, 0)):
        gate.put([job_for(f"{number}@example.org", lane)])
    assert gate.waiting == 6
    gate.pool.wake()
    await desk.until(settled=6)
    assert [recipient[0] for recipient, _ in desk.settled] == ["2", "5", "1", "4", "0", "3"]
    assert not gate.is_busy


async def test_equal_keys_are_one_gate_and_a_new_look_up_changes_its_way(opened: Make, server: HoldingServer) -> None:
    some = opened()
    first = some.of(route_to(server))
    again = route_to(server)
    assert some.of(again) is first
    assert first.pool.route is again
    assert some.of(route_to(server, "mx:mx.example.net")) is not first


async def test_policies_part_the_sessions_of_a_site_but_not_its_limits(opened: Make, server: HoldingServer) -> None:
    some = opened()
    plain, strict = some.of(route_to(server)), some.of(route_to(server, "mx:mx.example.org#sts"))
    assert plain is not strict
    assert plain.site is strict.site


async def test_a_crowd_is_given_back_for_later_so_that_others_have_room(
    desk: Desk, opened: Make, server: HoldingServer
) -> None:
    gate = opened().of(route_to(server))
    for number in range(gates.CROWDED + 50):
        gate.put([job_for(f"{number}@example.org")])
    assert gate.waiting == gates.CROWDED
    assert len(desk.returned) == 50
    assert all(0.8 <= after <= gates.LONGEST_RETURN_SECONDS for _, after in desk.returned)
    assert len({after for _, after in desk.returned}) > 1  # not all at the same time


async def test_what_is_given_back_comes_again_one_after_the_other(
    desk: Desk, opened: Make, server: HoldingServer
) -> None:
    """If it all came at once, nearly all would go back once more, at the cost of the other destinations."""
    gate = opened(rate=50.0).of(route_to(server))
    for number in range(gates.CROWDED + 500):
        gate.put([job_for(f"{number}@example.org")])
    after = [seconds for _, seconds in desk.returned]
    assert len(after) == 500
    # 200 wait here, which takes four seconds; the 500 follow at 50 a second, but for the jitter.
    assert 3.5 <= after[0] <= 4.1
    assert 12.5 <= after[-1] <= 14.1
    soon = sorted(after)
    assert all(soon[place + 100] - soon[place] > 1.0 for place in range(0, 400, 50))


async def test_a_line_has_an_end(desk: Desk, opened: Make, server: HoldingServer) -> None:
    gate = opened(rate=1.0).of(route_to(server))
    for number in range(gates.CROWDED + 500):
        gate.put([job_for(f"{number}@example.org")])
    assert max(after for _, after in desk.returned) <= gates.LONGEST_RETURN_SECONDS


async def test_the_only_destination_keeps_its_crowd(desk: Desk, opened: Make, server: HoldingServer) -> None:
    gate = opened(is_shared=False).of(route_to(server))
    for number in range(gates.CROWDED + 50):
        gate.put([job_for(f"{number}@example.org")])
    assert gate.waiting == gates.CROWDED + 50
    assert desk.returned == []


async def test_a_site_that_is_slow_gives_back_what_it_can_not_send_soon(
    desk: Desk, opened: Make, server: HoldingServer
) -> None:
    gate = opened(rate=0.01).of(route_to(server))
    for number in range(5):
        gate.put([job_for(f"{number}@example.org")])
    gate.pool.wake()
    await desk.until(settled=1, returned=4)
    assert [recipient for recipient, _ in desk.returned] == [f"{number}@example.org" for number in range(1, 5)]
    assert all(gates.PATIENCE_SECONDS < after <= gates.LONGEST_RETURN_SECONDS for _, after in desk.returned)
    gate.put([job_for("late@example.org")])
    assert desk.returned[-1][0] == "late@example.org"
    assert desk.returned[-1][1] > gates.PATIENCE_SECONDS
    assert len(server.messages) == 1


async def test_a_rate_is_kept_without_giving_back_when_the_wait_is_short(
    desk: Desk, opened: Make, server: HoldingServer
) -> None:
    gate = opened(rate=50.0).of(route_to(server))
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(10):
        gate.put([job_for(f"{number}@example.org")])
    gate.pool.wake()
    await desk.until(settled=10)
    assert loop.time() - start >= 0.15  # 9 waits of 20 ms, less what a bucket allows at once
    assert desk.returned == []


async def test_an_open_circuit_gives_back_what_waits_and_what_comes(
    desk: Desk, opened: Make, server: HoldingServer
) -> None:
    server.on("rcpt", "451 4.7.0 Too many messages, slow down")
    gate = opened(circuit_failures=2, circuit_seconds=600.0).of(route_to(server))
    for number in range(10):
        gate.put([job_for(f"{number}@example.org")])
    gate.pool.wake()
    await desk.until(settled=2)
    assert not gate.site.is_open
    await desk.until(returned=10 - len(desk.settled))
    assert all(outcome.status is Status.DEFERRED for _, outcome in desk.settled)
    assert all(after > gates.PATIENCE_SECONDS for _, after in desk.returned[-3:])
    gate.put([job_for("late@example.org")])
    assert desk.returned[-1][0] == "late@example.org"
    assert gate.waiting == 0


async def test_a_probe_closes_the_circuit_again(desk: Desk, opened: Make, server: HoldingServer) -> None:
    server.on("rcpt", "451 4.7.0 Too many messages, slow down", times=1)
    gate = opened(is_shared=False, circuit_failures=1, circuit_seconds=0.2, circuit_seconds_max=0.2).of(
        route_to(server)
    )
    for number in range(2):
        gate.put([job_for(f"{number}@example.org")])
    gate.pool.wake()
    await desk.until(settled=2)
    assert [outcome.status for _, outcome in desk.settled] == [Status.DEFERRED, Status.DELIVERED]
    assert gate.site.is_open
    assert desk.returned == []


async def test_a_probe_that_is_withdrawn_is_not_the_last(desk: Desk, opened: Make, server: HoldingServer) -> None:
    server.on("rcpt", "451 4.7.0 Too many messages, slow down", times=1)
    gate = opened(is_shared=False, circuit_failures=1, circuit_seconds=0.2, circuit_seconds_max=0.2).of(
        route_to(server)
    )
    gate.put([job_for("0@example.org")])
    gate.pool.wake()
    await desk.until(settled=1)
    assert not gate.site.is_open
    desk.withdrawn = {"1@example.org", "2@example.org"}
    for number in range(1, 5):
        gate.put([job_for(f"{number}@example.org")])
    gate.pool.wake()
    await desk.until(settled=3, returned=2)
    assert [recipient for recipient, _ in desk.settled[1:]] == ["3@example.org", "4@example.org"]


async def test_what_is_withdrawn_leaves_and_the_others_keep_their_order(
    desk: Desk, opened: Make, server: HoldingServer
) -> None:
    some = opened(is_shared=False)
    gate = some.of(route_to(server))
    for number in range(6):
        gate.put([job_for(f"{number}@example.org")])
    some.withdraw(lambda copy: int(copy.recipient[0]) % 2 == 0)
    assert desk.returned == [(f"{number}@example.org", 0.0) for number in (0, 2, 4)]
    gate.pool.wake()
    await desk.until(settled=3)
    assert [recipient[0] for recipient, _ in desk.settled] == ["1", "3", "5"]


async def test_gates_that_are_not_used_are_closed(
    desk: Desk, opened: Make, server: HoldingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = opened()
    used, busy = some.of(route_to(server)), some.of(route_to(server, "mx:busy.example.org"))
    used.put([job_for("jo@example.org")])
    used.pool.wake()
    await desk.until(settled=1)
    busy.put([job_for("ann@example.org")])
    await some.close_idle()
    assert some.of(route_to(server)) is used
    monkeypatch.setattr(gates, "IDLE_SECONDS", -1.0)
    await some.close_idle()
    assert some.of(route_to(server, "mx:busy.example.org")) is busy
    assert some.of(route_to(server)) is not used
    await eventually(lambda: not server.open_connections)


async def test_of_too_many_gates_the_longest_unused_go(
    opened: Make, server: HoldingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "MAX_POOLS", 2)
    some = opened()
    made = [some.of(route_to(server, f"mx:{number}.example.org")) for number in range(4)]
    assert some.of(route_to(server, "mx:0.example.org")) is made[0]
    await some.close_idle()
    kept = [some.of(route_to(server, f"mx:{number}.example.org")) for number in (0, 3)]
    assert kept == [made[0], made[3]]
    assert some.of(route_to(server, "mx:1.example.org")) is not made[1]
