"""Look-ups: shared, remembered for a while, bounded, and never waited for too long."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from app.outbound import Failed, TimedOut, names
from app.outbound.names import Names, system_addresses


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What look-ups wait for; opened in the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


async def test_look_ups_of_a_name_share_one_and_are_remembered() -> None:
    asked: list[str] = []

    def resolve(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.2"]

    known = Names(resolve)
    found = await asyncio.gather(*(known.addresses("h.example") for _ in range(20)))
    assert found == [("127.0.0.2",)] * 20
    await known.addresses("h.example")
    assert asked == ["h.example"]


async def test_a_name_without_address_fails_and_is_not_asked_again_at_once() -> None:
    asked: list[str] = []

    def resolve(name: str) -> list[str]:
        asked.append(name)
        raise OSError(name)

    known = Names(resolve)
    for _ in range(2):
        with pytest.raises(Failed):
            await known.addresses("h.example")
    assert asked == ["h.example"]


async def test_a_look_up_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> None:
    monkeypatch.setattr(names, "LOOKUP_SECONDS", 0.05)

    def resolve(name: str) -> list[str]:
        if name != "quick.example":
            gate.wait(10)
        return ["127.0.0.2"]

    known = Names(resolve)
    with pytest.raises(TimedOut):
        await known.addresses("slow.example")
    assert await known.addresses("quick.example") == ("127.0.0.2",)


async def test_look_ups_that_hang_are_bounded(monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> None:
    monkeypatch.setattr(names, "LOOKUP_SECONDS", 0.05)
    monkeypatch.setattr(names, "THREADS", 3)

    def resolve(name: str) -> list[str]:
        gate.wait(10)
        return [name]

    known = Names(resolve)
    ended = await asyncio.gather(*(known.addresses(f"{n}.example") for n in range(6)), return_exceptions=True)
    assert [type(one) for one in ended] == [TimedOut] * 3 + [Failed] * 3
    assert sum(thread.name == "names" for thread in threading.enumerate()) <= 3


async def test_names_are_forgotten_before_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "REMEMBERED_NAMES", 2)
    asked: list[str] = []

    def resolve(name: str) -> list[str]:
        asked.append(name)
        return [name]

    known = Names(resolve)
    for name in ("a", "b", "c", "a", "a"):
        await known.addresses(name)
    assert asked == ["a", "b", "c", "a"]


def test_the_system_knows_localhost() -> None:
    assert set(system_addresses("localhost")) <= {"127.0.0.1", "::1"}
