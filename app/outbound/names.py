"""Names to addresses through the system (hosts file, DNS), each in a thread of its own, with a time-out.

The system's resolver can't be cancelled, so a look-up that hangs keeps its thread; how many there may be is bounded,
and they are daemons: none holds up the end of the process. May import its siblings.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from app.outbound.errors import Failed, TimedOut

LOOKUP_SECONDS = 5.0
REMEMBERED_SECONDS = 20.0
FAILURE_REMEMBERED_SECONDS = 5.0
REMEMBERED_NAMES = 5_000
THREADS = 32
MAX_ADDRESSES = 16
"""Addresses of one name that are checked and may be used; there is no use for more."""

Addresses: TypeAlias = tuple[str, ...]
Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""Blocks, and returns the addresses of a name, or raises OSError."""


def system_addresses(name: str) -> list[str]:
    """Return the addresses the system knows for a name, in its order, each once.

    Raises:
        OSError: There are none, or nobody answers.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Names:
    """Look-ups of one process; concurrent ones of a name share one."""

    def __init__(self, resolve: Resolve = system_addresses) -> None:
        """Remember nothing yet.

        Args:
            resolve: Runs in a thread.
        """
        self._resolve = resolve
        self._known: OrderedDict[str, tuple[float, Addresses | None]] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Addresses]] = {}
        self._threads = 0

    async def addresses(self, name: str) -> Addresses:
        """Return every address of a name; checking them is the caller's business.

        Raises:
            TimedOut: Nobody has answered in time.
            Failed: It has none, or too many look-ups hang.
        """
        if (known := self._known.get(name)) is not None and known[0] > time.monotonic():
            if known[1] is None:
                raise Failed("the host name has no address")
            return known[1]
        asked = self._asked.get(name)
        if asked is None:
            asked = self._ask(name)
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                return await asyncio.shield(asked)
        except TimeoutError:
            raise TimedOut("no answer from DNS in time") from None

    def _ask(self, name: str) -> "asyncio.Future[Addresses]":
        if self._threads >= THREADS:
            raise Failed("too many host names are being looked up")
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[Addresses] = loop.create_future()
        asked.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # perhaps nobody waits any more
        self._asked[name] = asked
        self._threads += 1
        threading.Thread(target=self._look_up, args=(loop, name), name="names", daemon=True).start()
        return asked

    def _look_up(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        found: Addresses | None = None
        # UnicodeError: the system's own idea of what a name is.
        with contextlib.suppress(OSError, UnicodeError):
            found = tuple(self._resolve(name)) or None
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._answered, name, found)

    def _answered(self, name: str, found: Addresses | None) -> None:
        self._threads -= 1
        seconds = REMEMBERED_SECONDS if found else FAILURE_REMEMBERED_SECONDS
        self._known[name] = (time.monotonic() + seconds, found)
        self._known.move_to_end(name)
        if len(self._known) > REMEMBERED_NAMES:
            self._known.popitem(last=False)
        asked = self._asked.pop(name)
        if asked.done():
            return
        if found:
            asked.set_result(found)
        else:
            asked.set_exception(Failed("the host name has no address"))
