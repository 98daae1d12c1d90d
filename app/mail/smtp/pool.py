"""Warm sessions to one route: opened when needed, reused, limited, closed when idle.

Sessions pull their messages from a source. May import `app.mail.smtp` and the standard library.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from time import monotonic
from typing import Protocol

from app.mail.smtp.connection import SendJob, Session
from app.mail.smtp.opener import Opener
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.routes import Host, Route

NARROWED = 30.0
"""How long the pool stays at the number of sessions a server allowed, in seconds."""
MAX_TRIES = 3
"""How often one message may be handed from a session that ended, or was not to be had, to another."""
AT_ONCE = 100
"""Messages that are settled without being sent before other work of the loop gets its turn."""


class Source(Protocol):
    """Where a pool's messages come from. Called on the loop; must not block, nor call the pool from `take`."""

    def take(self) -> SendJob | None:
        """Return the next message; None: nothing now, `Pool.wake` tells when to ask again."""
        ...

    def settle(self, job: SendJob, outcome: Outcome) -> None:
        """Take the outcome of a message: exactly once for each one taken, unless it is given back."""
        ...

    def give_back(self, job: SendJob) -> None:
        """Take back a message of which nothing was sent, as if it had never been taken."""
        ...


class Pool:
    """Sends a source's messages over at most `connections` sessions to one route. The sessions' `Owner`."""

    def __init__(
        self,
        route: Route,
        source: Source,
        *,
        connections: int,
        helo_name: str,
        connect_timeout: float,
        reply_timeout: float,
        max_per_connection: int = 100,
        idle_seconds: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
        source_address: str = "",
    ) -> None:
        """Prepare; nothing is opened, and nothing taken, before `wake`.

        Args:
            route: Where to.
            source: Of the messages.
            connections: Most sessions at a time; 0: none for now.
            helo_name: Our name in EHLO.
            connect_timeout: For opening a session, in seconds.
            reply_timeout: For every reply, in seconds.
            max_per_connection: Messages after which a session is replaced.
            idle_seconds: After which an unused session is closed.
            tls_context: Instead of the default one.
            source_address: Our address to send from; empty: the system chooses.
        """
        self.max_per_connection = max_per_connection
        self.idle_seconds = idle_seconds
        self._source = source
        self._limit = connections
        self._narrow = (connections, 0.0)
        self._widening: asyncio.TimerHandle | None = None
        self._sessions: dict[Session, Host] = {}
        self._resting: list[Session] = []  # the last one to rest is woken first, so that surplus ones time out
        self._leaving: set[Session] = set()
        self._surplus = 0
        self._openings: dict[asyncio.Task[None], SendJob] = {}
        self._again: deque[SendJob] = deque()
        self._tries: dict[int, int] = {}
        self._under_way = 0
        self._is_filling = False
        self._is_closed = False
        self._all_ended = asyncio.Event()
        self._opener = Opener(
            route,
            helo_name=helo_name,
            connect_timeout=connect_timeout,
            reply_timeout=reply_timeout,
            tls_context=tls_context,
            source_address=source_address,
        )

    @property
    def route(self) -> Route:
        """Where to; a route looked up anew may be put in its place, for sessions opened from then on."""
        return self._opener.route

    @route.setter
    def route(self, route: Route) -> None:
        self._opener.route = route

    @property
    def live(self) -> int:
        """Open sessions."""
        return len(self._sessions)

    @property
    def under_way(self) -> int:
        """Messages taken, and neither settled nor given back."""
        return self._under_way

    def wake(self) -> None:
        """Look for messages now: resting sessions first, then new ones as far as they are allowed."""
        if self._is_filling or self._is_closed:
            return
        self._is_filling = True
        try:
            self._fill()
        finally:
            self._is_filling = False

    def resize(self, *, connections: int | None = None, max_per_connection: int | None = None) -> None:
        """Change the limits; what is too many closes when its message has ended."""
        if max_per_connection is not None:
            self.max_per_connection = max_per_connection
        if connections is not None and connections != self._limit:
            self._limit = connections
            self._count()
            while self._surplus > 0 and self._resting:
                self._dismiss(self._resting.pop())
            self.wake()

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Take nothing more: what has begun may end within `grace_seconds`, the rest is given back."""
        self._is_closed = True
        if self._widening is not None:
            self._widening.cancel()
        openings, self._openings = self._openings, {}
        for task, job in openings.items():
            task.cancel()
            self.give_back(job)
        while self._again:
            self.give_back(self._again.popleft())
        self._all_ended.clear()
        for session in list(self._sessions):
            self._dismiss(session)
        if self._sessions:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await self._all_ended.wait()
        for session in list(self._sessions):
            session.abort("interrupted")
        await asyncio.gather(*openings, return_exceptions=True)

    # ------------------------------------------------------------------ what sessions ask (`Owner`)

    def next_job(self, session: Session) -> SendJob | None:
        """Return the next message; None: there is nothing now, or the session has been told to finish."""
        if self._is_closed or self._surplus > 0:
            self._dismiss(session)
            return None
        return self._take()

    def settle(self, job: SendJob, outcome: Outcome) -> None:
        """Hand the outcome of a message to the source."""
        self._under_way -= 1
        if self._tries:
            self._tries.pop(id(job), None)
        self._source.settle(job, outcome)

    def give_back(self, job: SendJob) -> None:
        """Hand a message back to the source."""
        self._under_way -= 1
        self._tries.pop(id(job), None)
        self._source.give_back(job)

    def retry(self, job: SendJob) -> bool:
        """Keep a message for another session; False when that has been done often enough."""
        if self._is_closed:
            self.give_back(job)
            return True
        tries = self._tries.get(id(job), 0) + 1
        if tries > MAX_TRIES:
            return False
        self._tries[id(job)] = tries
        self._again.append(job)
        return True

    def resting(self, session: Session) -> None:
        """Note that a session has nothing to do."""
        self._resting.append(session)

    def ended(self, session: Session) -> None:
        """Note that a session is no more, and replace it if there is work."""
        self._opener.ended(self._sessions.pop(session))
        self._leaving.discard(session)
        if session in self._resting:
            self._resting.remove(session)
        self._count()
        if not self._sessions:
            self._all_ended.set()
        self.wake()

    # ------------------------------------------------------------------ sessions

    def _dismiss(self, session: Session) -> None:
        if session not in self._leaving:
            self._leaving.add(session)
            self._count()
            session.finish()

    def _count(self) -> None:
        self._surplus = max(len(self._sessions) - len(self._leaving) - self._limit, 0)

    def _has_room(self) -> bool:
        """Say whether one more session may be opened."""
        limit, until = self._narrow
        if until <= monotonic() or limit > self._limit:
            limit = self._limit
        return len(self._sessions) - len(self._leaving) + len(self._openings) < limit

    def _fill(self) -> None:
        """Give work to as many sessions as there are messages."""
        while self._again and self._has_room():  # these want a fresh session: a resting one may be stale, too
            self._open_for(self._again.popleft())
        while self._resting:
            session = self._resting.pop()
            session.wake()
            if self._resting and self._resting[-1] is session:
                return  # it found nothing, nor would another
        if not (self._sessions or self._openings or self._limit):
            while self._again:
                self.give_back(self._again.popleft())
        for _ in range(AT_ONCE):
            if not self._has_room():
                return
            job = self._take()
            if job is None:
                return
            hopeless = None if self._sessions or self._openings else self._opener.hopeless
            if hopeless is not None:
                self.settle(job, hopeless)
            else:
                self._open_for(job)
        asyncio.get_running_loop().call_soon(self.wake)

    def _take(self) -> SendJob | None:
        if self._again:
            return self._again.popleft()
        job = self._source.take()
        if job is not None:
            self._under_way += 1
        return job

    def _open_for(self, job: SendJob) -> None:
        task = asyncio.create_task(self._open_and_start())
        self._openings[task] = job

    async def _open_and_start(self) -> None:
        """Open a session and let it begin with the message it was opened for."""
        task = asyncio.current_task()
        try:
            opened = await self._opener.open(self)
        except Exception as error:  # noqa: BLE001 whatever it is, the message must not be forgotten
            opened = from_us(Status.DEFERRED, "4.4.2", repr(error))
        job = self._openings.pop(task) if task is not None and task in self._openings else None
        if not isinstance(opened, Outcome):
            session, host = opened
            self._sessions[session] = host
            self._count()
            if job is not None:
                session.start(job)
            else:
                session.abort("closed")
        elif job is not None:
            self._not_opened(job, opened)
        self.wake()

    def _not_opened(self, job: SendJob, outcome: Outcome) -> None:
        """Leave a message to the other sessions, if there are any; the server wants no more than these."""
        others = len(self._sessions) + len(self._openings)
        if others == 0:
            self._narrow = (self._limit, 0.0)
        elif self.retry(job):
            self._narrow = (others, monotonic() + NARROWED)
            if self._widening is None:
                self._widening = asyncio.get_running_loop().call_later(NARROWED, self._widen)
            return
        self.settle(job, outcome)

    def _widen(self) -> None:
        self._widening = None
        self.wake()
