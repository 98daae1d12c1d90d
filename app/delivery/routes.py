"""Which pool a copy goes to: the sandbox inbox, the relay, or the recipient domain's MX hosts."""

import asyncio
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from app.mail.smtp.outcome import Outcome
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import MxResolver, Route, relay_route
from app.settings import Settings

MAX_POOLS = 500
"""Destinations with warm sessions at the same time; the ones not used for the longest time are closed."""
IDLE_SECONDS = 60.0


class Gate:
    """A destination: its pool, and how many copies may talk to it at the same time."""

    def __init__(self, pool: Pool, connections: int) -> None:
        """Open for `connections` copies at a time."""
        self.pool = pool
        self.slots = asyncio.Semaphore(connections)
        self.users = 0
        self.used_at = time.monotonic()


class Routes:
    """The pools of one delivery process."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing connects yet.

        Args:
            settings: The group `delivery` and `sandbox`.

        Raises:
            ValueError: The relay's address can't be read.
        """
        self._settings = settings
        self._gates: OrderedDict[str, Gate] = OrderedDict()
        self._resolver = MxResolver() if settings.delivery.route == "mx" else None
        self._fixed: Route | None = None
        if settings.delivery.route == "relay":
            self._fixed = relay_route(settings.delivery.relay_url)
        elif settings.delivery.route == "sandbox":
            self._fixed = relay_route(f"smtp://{settings.sandbox.host}:{settings.sandbox.port}")

    async def gate(self, recipient: str) -> Gate | Outcome:
        """Return the destination of a recipient, or the outcome when there is none.

        Args:
            recipient: Envelope recipient, domain in ASCII.
        """
        route: Route | Outcome
        if self._fixed is not None or self._resolver is None:
            route = self._fixed  # type: ignore[assignment]
        else:
            route = await self._resolver.route(recipient.rpartition("@")[2])
        if isinstance(route, Outcome):
            return route
        gate = self._gates.get(route.key)
        if gate is None:
            gate = self._gates[route.key] = self._open(route)
            await self._close_idle()
        self._gates.move_to_end(route.key)
        gate.used_at = time.monotonic()
        return gate

    async def close(self) -> None:
        """Close every session."""
        gates, self._gates = list(self._gates.values()), OrderedDict()
        await asyncio.gather(*(gate.pool.close() for gate in gates), return_exceptions=True)

    def _open(self, route: Route) -> Gate:
        delivery = self._settings.delivery
        pool = Pool(
            route,
            connections=delivery.connections,
            helo_name=delivery.helo_name or urlsplit(self._settings.public_url).hostname or "localhost",
            connect_timeout=delivery.connect_timeout_seconds,
            reply_timeout=delivery.reply_timeout_seconds,
        )
        # Twice the sessions: a waiting copy lets a session send its envelope in the flight of the one before.
        return Gate(pool, 2 * delivery.connections)

    async def _close_idle(self) -> None:
        for key, gate in list(self._gates.items()):
            crowded = len(self._gates) > MAX_POOLS
            if (
                gate.users == 0
                and (crowded or time.monotonic() - gate.used_at > IDLE_SECONDS)
                and gate is not next(reversed(self._gates.values()))
            ):
                del self._gates[key]
                await gate.pool.close()
