"""The shaping of one delivery process: its sites and budgets, and the exchange that keeps their shares.

May import the other modules of this package and `app.valkey`.

The local path never waits for the network: shares are fetched by `run` beside it. Without Valkey, or while it is away,
every process has its even part of each limit: limit / delivery processes.
"""

import asyncio
import logging
import math
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary
from zlib import crc32

from app.delivery.shaping.asking import ask_for, is_due, rest, take
from app.delivery.shaping.budget import Budget, Part
from app.delivery.shaping.rules import Limits, Rules
from app.delivery.shaping.site import Site
from app.delivery.shaping.warmup import burst, seconds_left
from app.valkey.shares import DayAsk, Exchange, Shares, SiteAsk, ValkeyAway

TICK_SECONDS = 0.2
"""How often shares are exchanged, and how long a site waits for its first at most."""
ALONE_SECONDS = 1.5
"""Without an exchange for this long a process takes its even part: by then the others have noticed as well."""
RETRY_SECONDS = 0.5
"""The wait after an exchange that failed."""
GRACE_SECONDS = 2.0
"""After the first exchange (again) nobody takes more than an even part, until the others have come back as well."""
TURN_SECONDS = 10
"""With fewer connections than processes, their turns without Valkey last this long."""
MAX_SITES = 2000
"""Sites that are kept though nobody else holds them; those not used for the longest time go first."""
MAX_BUDGETS = 500
"""Warm-up plans whose budgets are kept."""
FORGET_SECONDS = 900.0
"""A site not used for this long is forgotten, unless it has a back-off or an open circuit."""
MOST_ASKS = 500
"""Sites of one exchange; the others take their turn in the next."""

logger = logging.getLogger(__name__)


class Shaper:
    """What one delivery process may send where. One per process; lives on one event loop."""

    def __init__(
        self,
        rules: Rules,
        *,
        valkey_url: str | None,
        worker_id: str,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        share_of: int = 1,
        share_index: int | None = None,
        random_source: random.Random | None = None,
        prefix: str = "{trireme:shaping}:",
    ) -> None:
        """Prepare; `run` connects.

        Args:
            rules: From `load_rules`.
            valkey_url: As in the setting `broker_url`; None: never ask.
            worker_id: Of this process, unique among all delivery processes.
            now: Tells the time in seconds, never set back.
            wall: Tells the time in seconds of the Unix epoch.
            share_of: Delivery processes there are, until Valkey tells.
            share_index: This one's place among them, from 0; None: not known, then a place is made of `worker_id`.
            random_source: For jitter.
            prefix: Of the keys in Valkey.

        Raises:
            ValueError: The URL can't be used.
        """
        self._rules = rules
        self._now = now
        self._wall = wall
        self._random = random_source or random.Random()  # noqa: S311 jitter
        self._worker_id = worker_id
        self._workers = max(1, share_of)
        self._rank = share_index
        self._shares = Shares(valkey_url, worker_id, prefix=prefix) if valkey_url else None
        self._contact_at = -math.inf
        self._grace_until = -math.inf
        self._alone = True
        self._known: WeakValueDictionary[str, Site] = WeakValueDictionary()
        self._kept: dict[str, Site] = {}
        self._budgets: OrderedDict[str, Budget] = OrderedDict()
        self._wake = asyncio.Event()

    @property
    def workers(self) -> int:
        """Delivery processes there are, as far as is known."""
        return self._workers

    @property
    def is_alone(self) -> bool:
        """Whether this process works with even parts at present, because Valkey does not answer."""
        return self._alone

    # ------------------------------------------------------------------ what the drain asks for

    def site(self, key: str, hosts: Sequence[str]) -> Site:
        """Return the destination of a route; for the same key the same object as long as somebody holds it.

        Args:
            key: The route's key.
            hosts: Names of its servers, the preferred first.
        """
        site = self._known.get(key)
        if site is None:
            site = self._known[key] = self._make(key, self._rules.limits(key, hosts))
            self._wake.set()
        if key not in self._kept:
            self._kept[key] = site
            self._shrink()
        return site

    def warmup(self, sender_domain: str) -> Budget | None:
        """Return the budget of a sender domain; None: no plan limits it today, the usual case."""
        domain = sender_domain.lower()
        plan = self._rules.warmup(domain)
        if plan is None:
            return None
        budget = self._budgets.get(domain)
        if budget is None:
            budget = Budget(domain, plan, wall=self._wall, part=self._part() if self._alone else None)
            self._budgets[domain] = budget
            self._wake.set()
            if len(self._budgets) > MAX_BUDGETS:
                self._budgets.popitem(last=False)
        return budget if budget.is_limited else None

    # ------------------------------------------------------------------ the exchange

    async def run(self) -> None:
        """Keep the shares until cancelled; never fails because Valkey does.

        Raises:
            CancelledError: It was cancelled.
        """
        task = asyncio.current_task()
        try:
            while True:
                await self.tick()
                if task is not None and task.cancelling():
                    # The client's own time-outs may swallow a cancellation that comes at the same moment.
                    raise asyncio.CancelledError
                self._wake.clear()
                try:
                    async with asyncio.timeout(TICK_SECONDS if self._shares and not self._alone else RETRY_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; `run` does it at its end."""
        if self._shares is not None:
            await self._shares.close()

    async def tick(self, *, server_now: float | None = None) -> None:
        """Exchange once, and take what came of it; `run` does this all the time.

        Args:
            server_now: Taken for the server's time, in seconds; None: the server's clock.
        """
        asked, asks = self._asks()
        budgets, days = self._day_asks()
        if self._shares is not None:
            sent = self._now()
            try:
                answer = await self._shares.exchange(asks, days, now=server_now)
            except ValkeyAway as error:
                self._missed(error)
            else:
                self._answered(sent, answer, asked)
                self._take(answer, asked, budgets)
                return
        if self._alone:
            self._even_all()

    def _asks(self) -> tuple[list[Site], list[SiteAsk]]:
        now = self._now()
        due: list[Site] = []
        for site in list(self._known.values()):
            if is_due(site, now):
                due.append(site)
            elif now - site.usage.active_at > FORGET_SECONDS and not site.is_troubled:
                self._kept.pop(site.key, None)
        if len(due) > MOST_ASKS:
            due = sorted(due, key=lambda site: site.usage.asked_at)[:MOST_ASKS]
        return due, [ask_for(site, now) for site in due]

    def _day_asks(self) -> tuple[list[Budget], list[DayAsk]]:
        unix = self._wall()
        budgets = [budget for budget in self._budgets.values() if budget.is_due]
        return budgets, [
            DayAsk(
                budget.day_key,
                budget.count or 0,
                burst(budget.count or 0),
                want=budget.want(),
                mine=budget.mine,
                seconds_left=seconds_left(unix),
            )
            for budget in budgets
        ]

    def _take(self, answer: Exchange, asked: Sequence[Site], budgets: Sequence[Budget]) -> None:
        now = self._now()
        in_grace = now < self._grace_until
        for site, share in zip(asked, answer.sites, strict=True):
            even = self._even(site.limits) if in_grace else None
            take(site, share, now, even=even, most=self._rules.process_connections)
        for budget, day in zip(budgets, answer.days, strict=True):
            budget.grant(day.granted, day.total, day.wait)

    def _answered(self, sent: float, answer: Exchange, asked: Sequence[Site]) -> None:
        if self._alone:
            self._alone = False
            self._grace_until = sent + GRACE_SECONDS
            for site in self._known.values():
                site.usage.has_joined = False
            asking = {site.key for site in asked}
            for site in [site for site in self._known.values() if site.limits.shared and site.key not in asking]:
                site.usage.was_alone, site.usage.left_at = False, sent
                rest(site)
            logger.info("shaping: limits are shared through Valkey")
        self._contact_at = sent
        in_grace = sent < self._grace_until
        self._workers = max(answer.workers, self._workers) if in_grace else answer.workers
        self._rank = answer.rank

    def _missed(self, error: ValkeyAway) -> None:
        if not self._alone and self._now() - self._contact_at > ALONE_SECONDS:
            self._alone = True
            logger.warning(
                "shaping: Valkey is away (%s); each of %d processes uses its even part", error, self._workers
            )

    # ------------------------------------------------------------------ without Valkey

    def _even_all(self) -> None:
        for site in list(self._known.values()):
            if site.limits.shared:
                connections, rate = self._even(site.limits)
                site.grant(connections=connections, rate=rate)
                site.usage.was_alone = True
        for budget in self._budgets.values():
            budget.go_alone(self._part())

    def _part(self) -> Part:
        return Part(self._workers, self._rank)

    def _even(self, limits: Limits) -> tuple[int, float | None]:
        """Return the even part of a site's limits: sessions, and messages per second."""
        workers = self._workers
        rank = crc32(self._worker_id.encode()) if self._rank is None else self._rank
        connections = Part(workers, self._rank).of(limits.connections)
        if limits.connections < workers:
            turn = int(self._wall() // TURN_SECONDS)
            connections = 1 if (rank + turn) % workers < limits.connections else 0
        rate = None if limits.rate is None else limits.rate / workers
        return min(connections, self._rules.process_connections), rate

    # ------------------------------------------------------------------ coming and going

    def _make(self, key: str, limits: Limits) -> Site:
        connections, rate, tokens = min(limits.connections, self._rules.process_connections), limits.rate, 1.0
        if limits.shared:
            connections, rate = self._even(limits)
            if not self._alone and rate is not None:
                rate = tokens = 0.0  # the first share is at most one tick away
            elif self._workers > 1:
                # So that processes that begin together do not all begin with a message of their own.
                tokens = 1.0 - self._rank / self._workers if self._rank is not None else self._random.random()
        site = Site(
            key,
            limits,
            connections=connections,
            rate=rate,
            now=self._now,
            random_source=self._random,
            tokens=tokens,
        )
        site.usage.was_alone = self._alone
        return site

    def _shrink(self) -> None:
        """Let go of a tenth of the sites when there are too many: those in trouble last, then by last use."""
        if len(self._kept) <= MAX_SITES:
            return
        order = sorted(self._kept.values(), key=lambda site: (site.is_troubled, site.usage.active_at))
        for site in order[: MAX_SITES // 10]:
            del self._kept[site.key]
