"""Requests per second, counted in Valkey so that all processes together keep a limit.

The counting is in `rate_limit.lua`, which Valkey runs as a whole. Without Valkey everything is let through, and that is
counted. May import `app.valkey.client` and the client library.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError

from app.valkey.client import connect

REPLY_SECONDS = 0.3
"""How long an answer may take."""
PAUSE_SECONDS = 1.0
"""How long Valkey is not asked again after it was away: requests must not wait for it one by one."""
CONNECTIONS = 8
"""Of one process."""

_SCRIPT = (Path(__file__).parent / "rate_limit.lua").read_text("utf-8")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one request.

    Attributes:
        allowed: Whether it is within the limit.
        remaining: How many more are, in this window.
        reset_at: When the window has ended, in unix seconds, rounded up.
    """

    allowed: bool
    remaining: int
    reset_at: int


class RateLimits:
    """One process's side of the counting. Lives on one event loop."""

    def __init__(
        self,
        url: str,
        on_away: Callable[[], None],
        *,
        clock: Callable[[], float] | None = None,
        prefix: str = "trireme:rate:",
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        """Prepare; nothing connects yet.

        Args:
            url: Of Valkey, as in the setting `broker_url`.
            on_away: Called for each request that is let through uncounted.
            clock: Tells the time of windows in seconds, the same for all processes; None: Valkey's own clock.
            prefix: Of every key.
            reply_seconds: How long Valkey may take to answer; a request waits at most twice as long.

        Raises:
            ValueError: The URL can't be used.
        """
        self._client = connect(url, reply_seconds=reply_seconds, max_connections=CONNECTIONS)
        self._script = self._client.register_script(_SCRIPT)
        self._on_away = on_away
        self._clock = clock
        self._prefix = prefix
        self._patience = 2 * reply_seconds
        self._away_until = 0.0

    async def take(self, who: str, limit: int) -> Taken:
        """Count a request of somebody.

        Args:
            who: Whose window.
            limit: Requests a window of one second lets through, at least 1; it begins with its first request.
        """
        if time.monotonic() < self._away_until:
            return self._uncounted(limit)
        now = -1 if self._clock is None else round(self._clock() * _MICROSECONDS)
        try:
            async with asyncio.timeout(self._patience):
                passes, remaining, ends = await self._script(keys=[self._prefix + who], args=[limit, now])
        except (RedisError, OSError, TimeoutError):
            self._away_until = time.monotonic() + PAUSE_SECONDS
            return self._uncounted(limit)
        return Taken(bool(passes), int(remaining), math.ceil(int(ends) / _MICROSECONDS))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _uncounted(self, limit: int) -> Taken:
        self._on_away()
        return Taken(allowed=True, remaining=limit, reset_at=math.ceil(time.time()) + 1)
