"""Failed logins of one client in the last minute. Imports `app.smtpd.pace` and the standard library."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from weakref import WeakValueDictionary

from app.smtpd.pace import group_of

WINDOW_SECONDS = 60.0
MAX_KNOWN = 20_000
"""Clients that are remembered; beyond it the one whose last failure is oldest is forgotten."""


class Attempts:
    """Who has failed how often. Lives on one event loop."""

    def __init__(self, most: int) -> None:
        """Begin with nobody.

        Args:
            most: Failures in a minute after which a client has to wait.
        """
        self._most = most
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[bool]:
        """Let one attempt of a client be made at a time, so that many at once are no way around the limit.

        Returns:
            Whether it may be made; otherwise the client has failed too often.
        """
        group = group_of(address)
        lock = self._turns.setdefault(group, asyncio.Lock())
        async with lock:
            yield not self._must_wait(group)

    def failed(self, address: str) -> None:
        """Note a failure."""
        group = group_of(address)
        self._failures.setdefault(group, deque(maxlen=self._most)).append(monotonic())
        self._failures.move_to_end(group)
        if len(self._failures) > MAX_KNOWN:
            self._failures.popitem(last=False)

    def _must_wait(self, group: str) -> bool:
        failures = self._failures.get(group)
        if failures is None:
            return False
        while failures and failures[0] <= monotonic() - WINDOW_SECONDS:
            failures.popleft()
        return len(failures) >= self._most
