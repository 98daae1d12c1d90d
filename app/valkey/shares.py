"""One exchange with Valkey divides the limits of destinations among the delivery processes that use them now.

The arithmetic is in `shares.lua`, which Valkey runs as a whole: however many sites, an exchange is one round trip.
May import `app.valkey.client` and the client library.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import orjson
from redis.exceptions import RedisError

from app.valkey.client import connect

REPLY_SECONDS = 0.5
"""How long an exchange may take."""
LEASE_SECONDS = 3.0
"""How long a share of a site is good without being renewed."""
ALIVE_SECONDS = 10.0
"""How long a process counts as living after its last exchange."""
MOST_DEMAND = 1e9
"""What stands for "as much as there is", in messages per second."""

_SCRIPT = (Path(__file__).parent / "shares.lua").read_text("utf-8")


class ValkeyAway(Exception):
    """Valkey did not answer in time, or with an error."""


class Begins(IntEnum):
    """How a process stands to a site with this exchange."""

    GOES_ON = 0
    """It has used the site all along, or was the last that did."""
    FRESH = 1
    """It begins to use the site, and nobody else has lately."""
    AMONG_OTHERS = 2
    """It begins to use a site others use or have just used."""


@dataclass(frozen=True, slots=True)
class SiteAsk:
    """What a process says about one destination."""

    key: str
    rate: float | None
    """The limit of all processes together, in messages per second; None: no limit."""
    connections: int
    """The limit of all processes together."""
    demand: float = math.inf
    """Messages per second this process could send."""
    leaves: bool = False
    """Whether it gives its share back."""


@dataclass(frozen=True, slots=True)
class SiteShare:
    """What it gets."""

    rate: float | None
    """Messages per second; None: no limit."""
    connections: int
    begins: Begins


@dataclass(frozen=True, slots=True)
class DayAsk:
    """What a process says about one warm-up day."""

    key: str
    """Of the plan and the day."""
    count: int
    """Messages of all processes together on that day."""
    burst: int
    """Of which so many may go out at once."""
    mine: int
    """Messages this process has sent on that day, and grants it still holds."""
    want: int
    """Further messages it would send soon."""
    seconds_left: float
    """Until the day ends."""


@dataclass(frozen=True, slots=True)
class DayShare:
    """What it gets."""

    granted: int
    """Further messages."""
    total: int
    """Granted to all processes on that day."""
    wait: float
    """Seconds until there may be more."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The answer to one exchange; the shares are in the order of the request."""

    workers: int
    """Delivery processes that are alive."""
    rank: int
    """This one's place among them, from 0."""
    sites: tuple[SiteShare, ...]
    days: tuple[DayShare, ...]


class Shares:
    """One process's side of the exchange. Lives on one event loop."""

    def __init__(self, url: str, worker_id: str, *, prefix: str = "{trireme:shaping}:") -> None:
        """Prepare; nothing connects yet.

        Args:
            url: Of Valkey, as in the setting `broker_url`.
            worker_id: Of this process; no other may use it, and it is not "_" or begins so.
            prefix: Of every key; the braces keep the keys together in a cluster.

        Raises:
            ValueError: The URL can't be used.
        """
        self._client = connect(url, reply_seconds=REPLY_SECONDS)
        self._script = self._client.register_script(_SCRIPT)
        self._worker = worker_id
        self._prefix = prefix

    async def exchange(
        self, sites: Sequence[SiteAsk] = (), days: Sequence[DayAsk] = (), *, now: float | None = None
    ) -> Exchange:
        """Say what this process needs and return what it gets.

        Args:
            sites: Destinations it uses or leaves.
            days: Warm-up days it uses.
            now: Present time in seconds, the same for all processes; None: the server's clock.

        Raises:
            ValkeyAway: No answer within a second.
        """
        keys = [
            f"{self._prefix}workers",
            *(f"{self._prefix}site:{ask.key}" for ask in sites),
            *(f"{self._prefix}day:{ask.key}" for ask in days),
        ]
        request = {
            "now": -1 if now is None else now,
            "worker": self._worker,
            "lease": LEASE_SECONDS,
            "alive": ALIVE_SECONDS,
            "sites": [_site(ask) for ask in sites],
            "days": [[ask.count, ask.burst, ask.mine, ask.want, ask.seconds_left] for ask in days],
        }
        try:
            async with asyncio.timeout(2 * REPLY_SECONDS):
                answer = await self._script(keys=keys, args=[orjson.dumps(request)])
        except (RedisError, OSError, TimeoutError) as error:
            raise ValkeyAway(str(error) or type(error).__name__) from error
        return _read(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _site(ask: SiteAsk) -> list[float]:
    demand = -1.0 if ask.leaves else min(max(ask.demand, 0.0), MOST_DEMAND)
    return [-1.0 if ask.rate is None else ask.rate, ask.connections, demand]


def _read(answer: bytes) -> Exchange:
    data = orjson.loads(answer)
    return Exchange(
        workers=data["workers"],
        rank=data["rank"],
        sites=tuple(
            SiteShare(None if rate < 0 else float(rate), int(connections), Begins(int(begins)))
            for rate, connections, begins in data["sites"]
        ),
        days=tuple(DayShare(int(granted), int(total), float(wait)) for granted, total, wait in data["days"]),
    )
