"""Who is killed when: a plan that a seed makes again, and the hands that carry it out."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from bench.chaos_stage import Stage

BACKEND = "a PostgreSQL backend"
ALL_DELIVERIES = "all deliveries"
WEIGHTS = {
    "delivery-1": 17,
    "delivery-2": 17,
    ALL_DELIVERIES: 6,
    "postgres": 12,
    BACKEND: 6,
    "valkey": 12,
    "api": 10,
    "worker": 10,
    "scheduler": 10,
}
STOPPABLE = ("delivery-1", "delivery-2", ALL_DELIVERIES, "api", "worker", "scheduler")
STOPS_PER_KILL = 0.2
LAST = 0.92
"""Blows fall until so much of the campaign has arrived."""
LONGEST_REST = 0.3
STALL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Blow:
    """One end of one part.

    Attributes:
        at: Share of the recipients that have got their mail.
        victim: The part.
        number: SIGKILL or SIGTERM.
        rest: Seconds until it is started again.
    """

    at: float
    victim: str
    number: signal.Signals
    rest: float


def plan(random: Random, kills: int, deliveries: Sequence[str]) -> list[Blow]:
    """Return so many kills, and a fifth of that in stops by SIGTERM, in the order in which they fall."""
    several = len(deliveries) > 1
    missing = {"delivery-1", "delivery-2"} - set(deliveries) | (set() if several else {ALL_DELIVERIES})
    weights = {name: weight for name, weight in WEIGHTS.items() if name not in missing}
    stops = round(kills * STOPS_PER_KILL)
    numbers = [signal.SIGKILL] * kills + [signal.SIGTERM] * stops
    blows = []
    for number in numbers:
        names = [name for name in weights if number is signal.SIGKILL or name in STOPPABLE]
        victim = random.choices(names, [weights[name] for name in names])[0]
        blows.append(Blow(random.uniform(0, LAST), victim, number, random.uniform(0, LONGEST_REST)))
    return sorted(blows, key=lambda blow: blow.at)


class Hands:
    """Carries blows out, and counts what was open when they fell."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self._stage = stage
        self._random = random
        self.ended: Counter[str] = Counter()
        self.open_at_kills = 0
        """SMTP transactions open in the delivery processes that were killed."""

    def strike(self, blow: Blow) -> None:
        """End the victim and start it again.

        Raises:
            TimeoutError: It does not end by SIGTERM, or does not start again.
        """
        self.ended[f"{blow.victim} {blow.number.name}"] += 1
        if blow.victim == BACKEND:
            self._stage.kill_backend(self._random)
            return
        victims = self._stage.deliveries if blow.victim == ALL_DELIVERIES else [blow.victim]
        open_ = self._stage.end(*victims, number=blow.number)
        if blow.number is signal.SIGKILL:
            self.open_at_kills += open_
        time.sleep(blow.rest)
        self._stage.start_again(*victims)

    def carry_out(self, blows: Sequence[Blow], progress: Callable[[], float]) -> None:
        """Let each blow fall when its share of the campaign has arrived.

        Raises:
            TimeoutError: Nothing arrives any more.
        """
        for blow in blows:
            self.await_share(blow.at, progress)
            self.strike(blow)

    def await_share(self, share: float, progress: Callable[[], float]) -> None:
        """Wait for a share of the campaign.

        Raises:
            TimeoutError: Nothing arrives for two minutes.
        """
        last, since = -1.0, time.monotonic()
        while (now := progress()) < share:
            self._stage.revive()
            if now > last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > STALL_SECONDS:
                raise TimeoutError(f"stalled at {now:.1%} of the recipients for {STALL_SECONDS:g} s")
            time.sleep(0.02)
