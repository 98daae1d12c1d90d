"""Warm sessions to one route: opened when needed, reused, limited, closed when idle.

Callers wait in the order they came. May import `app.mail.smtp` and the standard library.
"""

import asyncio
import ssl
import time
from collections import deque

from app.mail.smtp.connection import Connection, SendJob
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.routes import Host, Route

FIRST_PAUSE = 1.0
"""How long a host is left alone after a failure to open a session, in seconds; doubled each time it fails again."""
MAX_PAUSE = 60.0
"""Longest such pause, in seconds."""
NARROWED = 30.0
"""How long the pool stays at the number of sessions a server allowed, in seconds."""
MAX_TRIES = 3
"""How often one message may be handed from a worker that got no session to the others."""


class _Item:
    """A message and the caller who waits for its outcome."""

    __slots__ = ("future", "job", "retried", "tries")

    def __init__(self, job: SendJob, future: asyncio.Future[Outcome]) -> None:
        self.job = job
        self.future = future
        self.retried = False
        self.tries = 0

    def settle(self, outcome: Outcome) -> None:
        if not self.future.done():
            self.future.set_result(outcome)


class Pool:
    """Sends messages over at most `connections` sessions to one route."""

    def __init__(
        self,
        route: Route,
        *,
        connections: int,
        helo_name: str,
        connect_timeout: float,
        reply_timeout: float,
        max_per_connection: int = 100,
        idle_seconds: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            route: Where to.
            connections: Most sessions at a time.
            helo_name: Our name in EHLO.
            connect_timeout: For opening a session, in seconds.
            reply_timeout: For every reply, in seconds.
            max_per_connection: Messages after which a session is replaced.
            idle_seconds: After which an unused session is closed.
            tls_context: Instead of the default one.
        """
        self.route = route
        self.max_per_connection = max_per_connection
        self.idle_seconds = idle_seconds
        self.live = 0
        """Sessions that are open."""
        self.idle: list[asyncio.Future[_Item | None]] = []
        """Workers without work, the last one to rest at the end; it is woken first, so that surplus ones time out."""
        self._limit = connections
        self._narrow = (connections, 0.0)
        self._waiting: deque[_Item] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._pauses: dict[Host, tuple[float, float, Outcome]] = {}
        self._closed = False
        self._helo_name = helo_name
        self._connect_timeout = connect_timeout
        self._reply_timeout = reply_timeout
        self._tls_context = tls_context

    async def send(self, job: SendJob) -> Outcome:
        """Hand one message over; waits for a free session in turn.

        A caller that is cancelled while waiting takes its message along; a transaction that has begun is finished.
        """
        if self._closed:
            return from_us(Status.DEFERRED, "4.3.2", "sending is shutting down")
        item = _Item(job, asyncio.get_running_loop().create_future())
        if self.idle:
            self.idle.pop().set_result(item)
        else:
            self._waiting.append(item)
            self._grow()
        return await item.future

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Close all sessions: waiting messages are deferred, transactions under way have `grace_seconds` to end."""
        self._closed = True
        while (item := self.take()) is not None:
            item.settle(from_us(Status.DEFERRED, "4.3.2", "sending is shutting down"))
        for future in self.idle:
            future.set_result(None)
        self.idle.clear()
        if not self._workers:
            return
        _, late = await asyncio.wait(self._workers, timeout=grace_seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def take(self) -> _Item | None:
        """Return the next message whose caller still waits."""
        while self._waiting:
            item = self._waiting.popleft()
            if not item.future.cancelled():
                return item
        return None

    @property
    def closed(self) -> bool:
        """Whether no new transaction may begin."""
        return self._closed

    async def open(self) -> Connection | Outcome:
        """Open a session with the first host that works; hosts that failed lately are left out."""
        outcome: Outcome | None = None
        for host in self.route.hosts:
            pause = self._pauses.get(host)
            if pause is not None and pause[0] > time.monotonic():
                outcome = pause[2]
                continue
            opened = await Connection.open(
                self.route,
                host,
                helo_name=self._helo_name,
                connect_timeout=self._connect_timeout,
                reply_timeout=self._reply_timeout,
                tls_context=self._tls_context,
            )
            if isinstance(opened, Connection):
                self._pauses.pop(host, None)
                return opened
            outcome = opened
            if self.live == 0:  # while other sessions work, it is only one too many
                self._pause(host, opened)
        return outcome or from_us(Status.DEFERRED, "4.4.1", "the route has no host")

    def give_back(self, item: _Item) -> bool:
        """Put a message that found no session in front of the queue, for the sessions there are; False without any."""
        item.tries += 1
        if self.live == 0 or item.tries > MAX_TRIES:
            return False
        self._narrow = (self.live, time.monotonic() + NARROWED)
        self._waiting.appendleft(item)
        if self.idle:
            waiting = self.take()
            if waiting is not None:
                self.idle.pop().set_result(waiting)
        return True

    def _pause(self, host: Host, outcome: Outcome) -> None:
        until, length, _ = self._pauses.get(host, (0.0, 0.0, outcome))
        now = time.monotonic()
        if until <= now:  # else: another worker has just counted the same failure
            length = min(max(length * 2, FIRST_PAUSE), MAX_PAUSE)
            self._pauses[host] = (now + length, length, outcome)

    def _grow(self) -> None:
        """Start a worker if one more is allowed."""
        limit, until = self._narrow
        if until <= time.monotonic():
            limit = self._limit
        if len(self._workers) < max(limit, 1):
            task = asyncio.create_task(_Worker(self).run())
            self._workers.add(task)
            task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._workers.discard(task)
        if self._waiting and not self._closed:
            self._grow()


class _Worker:
    """Serves messages over one session, one after the other."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection | None = None
        self._item: _Item | None = None
        self._next: _Item | None = None

    async def run(self) -> None:
        """Work until there is nothing to do for a while, no session can be had, or the pool closes."""
        try:
            while (item := await self._following_item()) is not None:
                self._item = item
                if not await self._serve(item):
                    break
                self._item = None
        finally:
            reason = "interrupted"
            for item in (self._item, self._next):
                if item is not None and self._connection is not None and item is self._item:
                    item.settle(self._connection.interrupted(reason))
                elif item is not None:
                    item.settle(from_us(Status.DEFERRED, "4.3.2", reason))
            self._leave()

    async def _following_item(self) -> _Item | None:
        item, self._next = self._next, None
        if item is not None and item.future.cancelled():
            self._leave()  # its envelope is on the wire already
            item = None
        pool = self._pool
        item = item or pool.take()
        if item is not None or pool.closed or self._connection is None or not self._connection.usable:
            return item
        rest: asyncio.Future[_Item | None] = asyncio.get_running_loop().create_future()
        pool.idle.append(rest)
        timer = asyncio.get_running_loop().call_later(pool.idle_seconds, self._stop_resting, rest)
        try:
            return await rest
        finally:
            timer.cancel()
            if rest in pool.idle:
                pool.idle.remove(rest)

    def _stop_resting(self, rest: asyncio.Future[_Item | None]) -> None:
        if not rest.done():
            self._pool.idle.remove(rest)
            rest.set_result(None)

    async def _serve(self, item: _Item) -> bool:
        """Send one message; False when there is no session for the next one."""
        pool = self._pool
        while True:
            connection = self._connection
            if connection is None or not connection.usable or connection.served >= pool.max_per_connection:
                self._leave()
                opened = await pool.open()
                if isinstance(opened, Outcome):
                    if pool.give_back(item):
                        self._item = None
                        return False
                    item.settle(opened)
                    return True
                connection = self._connection = opened
                pool.live += 1
            may_look_ahead = connection.served + 1 < pool.max_per_connection and not pool.closed
            outcome = await connection.send(item.job, self._look_ahead if may_look_ahead else None)
            if connection.was_stale and not item.retried:
                item.retried = True
                continue
            item.settle(outcome)
            return True

    def _look_ahead(self) -> SendJob | None:
        self._next = self._pool.take()
        return self._next.job if self._next is not None else None

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._pool.live -= 1
