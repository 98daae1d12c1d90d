"""The destinations of one delivery process: what waits for each, and what its sessions are given next."""

import asyncio
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Protocol

from app.core.messages import Copy
from app.delivery.shaping import Shaper, Site
from app.delivery.transmission import Transmission
from app.mail.smtp.envelope import SendJob
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.pool import Pool, Source
from app.mail.smtp.routes import Route

MAX_POOLS = 2_000
"""Destinations with warm sessions at the same time; the ones not used for the longest time are closed."""
IDLE_SECONDS = 60.0
LANES = 3
CROWDED = 200
"""Copies that may wait for one MX site; more are given back, so that a slow site does not fill the process."""
PATIENCE_SECONDS = 5.0
"""How long copies wait here for a site that lets nothing through; afterwards they wait in the queue."""
LONGEST_RETURN_SECONDS = 300.0
LEAST_PACE = 20.0
"""Messages a second a site without a rate is thought to take at least, once it takes mail again."""
LOOK_SECONDS = 0.25
"""How often a site that lets nothing through is looked at: its share may change."""
_NOT_TRIED = from_us(Status.DEFERRED, "4.3.0", "not tried")


class Desk(Protocol):
    """Who decides about each copy; the dispatcher."""

    def may_begin(self, job: Transmission) -> bool:
        """Tell whether a copy may go to its server now; if not it has been taken care of."""
        ...

    def settle(self, job: Transmission, outcome: Outcome) -> None:
        """Take the outcome of an attempt."""
        ...

    def give_back(self, job: Transmission, after_seconds: float = 0.0) -> None:
        """Take back a copy that was not begun."""
        ...


class Gate(Source):
    """One destination. Its sessions pull from its lanes, the most urgent first, as fast as its site allows."""

    def __init__(self, site: Site, desk: Desk, *, is_shared: bool) -> None:
        """Open; `pool` is set right afterwards.

        Args:
            site: Its limits.
            desk: Decides about each copy.
            is_shared: Whether there are other destinations, which this one must leave room.
        """
        self.site = site
        self.pool: Pool
        self.used_at = time.monotonic()
        self._desk = desk
        self._is_shared = is_shared
        self._lanes: tuple[deque[Transmission], ...] = tuple(deque() for _ in range(LANES))
        self._timer: asyncio.TimerHandle | None = None
        self._connections = site.connections
        self._line_ends_at = 0.0
        """When the last of the copies that were given back is to come again, on the monotonic clock."""

    @property
    def waiting(self) -> int:
        """Copies that wait here."""
        return sum(map(len, self._lanes))

    @property
    def is_busy(self) -> bool:
        """Whether copies wait or are under way."""
        return self.pool.under_way > 0 or any(self._lanes)

    def put(self, jobs: Iterable[Transmission]) -> None:
        """Let copies wait for a session; `pool.wake` is the caller's."""
        self.used_at = time.monotonic()
        for job in jobs:
            after = self._return_after() if self._is_shared else 0.0
            if after:
                self._desk.give_back(job, after)
            else:
                self._lanes[min(job.copy.lane, LANES - 1)].append(job)
        self._resize()
        self._watch()

    def withdraw(self, is_withdrawn: Callable[[Copy], bool]) -> None:
        """Give back what must not begin any more."""
        for lane in self._lanes:
            for _ in range(len(lane)):
                job = lane.popleft()
                if is_withdrawn(job.copy):
                    self._desk.give_back(job)
                else:
                    lane.append(job)

    def take(self) -> SendJob | None:
        """Return the next copy for a session (`Source`)."""
        for lane in self._lanes:
            while lane:
                delay = self.site.delay()
                if delay > 0.0:
                    self._call_again(delay)
                    return None
                job = lane.popleft()
                if self._desk.may_begin(job):
                    self.site.begin()
                    return job
        return None

    def settle(self, job: SendJob, outcome: Outcome) -> None:
        """Hand an outcome on (`Source`)."""
        assert isinstance(job, Transmission)  # noqa: S101 what `take` gave
        self.site.observe(outcome)
        self._resize()
        self._watch()
        self._desk.settle(job, outcome)

    def give_back(self, job: SendJob) -> None:
        """Take back a copy that a session did not begin (`Source`)."""
        assert isinstance(job, Transmission)  # noqa: S101 what `take` gave
        if not self.site.is_open:
            self.site.observe(_NOT_TRIED)  # it was the probe: let there be another
            self._resize()
            self._watch()
        self._desk.give_back(job)

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _return_after(self) -> float:
        """Return after how many seconds one more copy should come again; 0.0: it may wait here."""
        delay = self.site.delay()
        waiting = self.waiting
        if delay <= PATIENCE_SECONDS and waiting < CROWDED:
            return 0.0
        return self._line_up(max(delay, waiting / self.site.pace(LEAST_PACE), 1.0))

    def _line_up(self, soonest: float) -> float:
        """Return after how many seconds a copy that is given back should come again, not before `soonest`.

        One after the other, at the pace the site takes them: if all came at once, nearly all would have to go back
        again, and claiming and returning them would cost the other destinations more than sending them.
        """
        now = time.monotonic()
        at = min(max(now + soonest, self._line_ends_at), now + LONGEST_RETURN_SECONDS)
        self._line_ends_at = at + 1.0 / self.site.pace(LEAST_PACE)
        return (at - now) * random.uniform(0.9, 1.0)  # noqa: S311 jitter: other processes may line up as well

    def _call_again(self, delay: float) -> None:
        if delay > PATIENCE_SECONDS and self._is_shared:
            for lane in self._lanes:
                while lane:
                    self._desk.give_back(lane.popleft(), self._line_up(delay))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(min(delay, LOOK_SECONDS), self._again)

    def _again(self) -> None:
        self._timer = None
        delay = self.site.delay() if any(self._lanes) else 0.0
        self._resize()
        if delay > 0.0:
            self._call_again(delay)
        else:
            self.pool.wake()

    def _watch(self) -> None:
        """Come back by a timer when there may be no session: then nobody asks for what waits."""
        if not self.site.connections and self._timer is None and any(self._lanes):
            self._call_again(self.site.delay())

    def _resize(self) -> None:
        if self.site.connections != self._connections:
            self._connections = self.site.connections
            self.pool.resize(connections=self._connections)


class Gates:
    """The gates of one process, by route."""

    def __init__(
        self, shaper: Shaper, desk: Desk, open_pool: Callable[[Route, Gate], Pool], *, is_shared: bool
    ) -> None:
        """Prepare; nothing connects yet.

        Args:
            shaper: Limits of the sites.
            desk: Decides about each copy.
            open_pool: Makes the sessions of a gate.
            is_shared: Whether there may be more than one destination.
        """
        self._shaper = shaper
        self._desk = desk
        self._open_pool = open_pool
        self._is_shared = is_shared
        self._gates: OrderedDict[str, Gate] = OrderedDict()

    def of(self, route: Route) -> Gate:
        """Return the gate of a route, opened when there is none."""
        gate = self._gates.get(route.key)
        if gate is None:
            # Shaped by site: policies of TLS part the sessions of a site, not its limits.
            site = self._shaper.site(route.site, [host.name for host in route.hosts])
            gate = Gate(site, self._desk, is_shared=self._is_shared)
            gate.pool = self._open_pool(route, gate)
            self._gates[route.key] = gate
        elif gate.pool.route is not route:
            gate.pool.route = route  # looked up anew: other addresses, perhaps
        if self._is_shared:
            self._gates.move_to_end(route.key)
        return gate

    def withdraw(self, is_withdrawn: Callable[[Copy], bool]) -> None:
        """Give back what must not begin any more, everywhere."""
        for gate in self._gates.values():
            gate.withdraw(is_withdrawn)

    async def close_idle(self) -> None:
        """Close gates that were not used for a while, and the oldest ones when there are too many."""
        surplus = len(self._gates) - MAX_POOLS
        now = time.monotonic()
        for key, gate in list(self._gates.items()):
            if not gate.is_busy and (surplus > 0 or now - gate.used_at > IDLE_SECONDS):
                surplus -= 1
                del self._gates[key]
                gate.close()
                await gate.pool.close()

    async def close(self, grace_seconds: float) -> None:
        """Close every session; transactions that have begun may end within `grace_seconds`."""
        gates, self._gates = list(self._gates.values()), OrderedDict()
        for gate in gates:
            gate.close()
        await asyncio.gather(*(gate.pool.close(grace_seconds) for gate in gates), return_exceptions=True)
