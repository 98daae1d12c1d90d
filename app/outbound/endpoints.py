"""How many calls an endpoint may have at once: one that does not answer delays nobody else.

Pure; imports nothing of ours.

An endpoint begins with a few calls at once and gets more with every answer. One that times out gets half of that each
time, down to one, and then pauses that double. What is slow, or has not answered lately, has half of all room between
it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

FIRST_ROOM = 4
MOST_ROOM = 32
PATIENCE = 2
"""Time-outs in a row after which an endpoint is left alone for a while."""
LONGEST_PAUSE_SECONDS = 60.0
MOST_ENDPOINTS = 4096
"""Remembered; what is forgotten begins anew."""


class Ended(Enum):
    """How a call ended, as far as it tells of the endpoint."""

    ANSWERED = auto()
    """By whatever status."""
    SLOW = auto()
    """By whatever status, but so late that many of them would hold up others."""
    FAILED = auto()
    """At once: nothing to conclude, and it holds nobody up."""
    TIMED_OUT = auto()


@dataclass(slots=True)
class _Endpoint:
    room: int = FIRST_ROOM
    in_flight: int = 0
    timeouts: int = 0
    """In a row."""
    proven: bool = False
    """Whether its last word was an answer, and came soon."""
    rests_until: float = 0.0


class Endpoints:
    """What one process knows of the endpoints it calls.

    Attributes:
        in_flight: Calls that are open.
        after: The endpoint at which the last claim ended, "" for the start; the next one goes on from there.
    """

    def __init__(self, total: int, now: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet.

        Args:
            total: Calls open at once, in all.
            now: Seconds of a clock that only goes on.
        """
        self.in_flight = 0
        self.after = ""
        self._total = total
        self._now = now
        self._known: OrderedDict[str, _Endpoint] = OrderedDict()
        self._unproven = 0

    @property
    def free(self) -> int:
        """How many more calls may be open."""
        return self._total - self.in_flight

    def plan(self, due: Iterable[str], limit: int) -> dict[str, int]:
        """Return how many calls to begin, by endpoint.

        Args:
            due: Endpoints for which calls are due, in the order in which they are to be served.
            limit: Calls in all, at most.
        """
        planned: dict[str, int] = {}
        free = min(limit, self.free)
        unproven = self._total // 2 - self._unproven
        for name in due:
            known = self._known.get(name) or _Endpoint()
            if free <= 0:
                break
            if self._now() < known.rests_until:
                continue
            room = min(known.room - known.in_flight, free, free if known.proven else unproven)
            if room <= 0:
                continue
            planned[name] = room
            free -= room
            unproven -= 0 if known.proven else room
        return planned

    def choose(self, seen: Sequence[tuple[str, bool]], *, walk: int, limit: int) -> dict[str, int]:
        """Return how many calls to begin, by endpoint, and move `after` to where the next claim goes on.

        Args:
            seen: Endpoints behind `after` in their order, and whether calls are due there.
            walk: Endpoints looked at, at most: with so many there may be more behind them.
            limit: Calls in all, at most.
        """
        limit = min(limit, self.free)
        plan = self.plan([name for name, is_due in seen if is_due], limit)
        if plan and sum(plan.values()) >= limit:
            self.after = next(reversed(plan))  # the next claim begins with those this one had no room for
        else:
            self.after = seen[-1][0] if len(seen) == walk else ""
        return plan

    def began(self, name: str) -> None:
        """Note a call that begins."""
        known = self._known.setdefault(name, _Endpoint())
        self._known.move_to_end(name)
        known.in_flight += 1
        self.in_flight += 1
        self._unproven += not known.proven
        if len(self._known) > MOST_ENDPOINTS:
            self._forget()

    def ended(self, name: str, how: Ended) -> None:
        """Note a call that has ended."""
        known = self._known[name]
        known.in_flight -= 1
        self.in_flight -= 1
        self._unproven -= not known.proven
        if how is Ended.ANSWERED:
            self._prove(known, proven=True)
            known.timeouts, known.rests_until = 0, 0.0
            known.room = min(known.room + 1, MOST_ROOM)
        elif how is Ended.SLOW:
            self._prove(known, proven=False)
            known.timeouts, known.rests_until = 0, 0.0
            known.room = min(known.room, FIRST_ROOM)
        elif how is Ended.TIMED_OUT:
            self._prove(known, proven=False)
            known.timeouts += 1
            known.room = max(known.room // 2, 1)
            if known.timeouts > PATIENCE:
                pause = min(2.0 ** min(known.timeouts - PATIENCE, 10), LONGEST_PAUSE_SECONDS)
                known.rests_until = self._now() + pause

    def failing(self) -> list[str]:
        """Return the endpoints that are left alone for a while, or have one call at most."""
        return [name for name, known in self._known.items() if known.timeouts > PATIENCE]

    def _prove(self, known: _Endpoint, *, proven: bool) -> None:
        """Move the endpoint's open calls to the side where they count from now on."""
        if known.proven != proven:
            self._unproven += known.in_flight * (-1 if proven else 1)
            known.proven = proven

    def _forget(self) -> None:
        for name, known in self._known.items():
            if not known.in_flight:
                del self._known[name]
                return
