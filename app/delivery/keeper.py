"""Keeps what this process has claimed, and looks after what others have lost."""

import asyncio
import logging
import time
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Owner
from app.db.engine import KeptConnection, is_disconnect
from app.delivery.recovery import Recovery

SWEEP_SECONDS = 2.0
"""How often leases without an owner are looked for."""
UNKNOWN_SECONDS = 10.0
"""Age from which a lease in this process's name that it knows nothing of is one whose claim was never answered."""

logger = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews the leases of one process on a timer of its own: sending may be slow, a lease must not end by that."""

    def __init__(
        self,
        engine: AsyncEngine,
        owner: Owner,
        recovery: Recovery,
        on_settled: Callable[[], None],
        *,
        lease_seconds: float,
    ) -> None:
        """Prepare; `run` works.

        Args:
            engine: One connection of it is kept.
            owner: This process.
            recovery: Settles what dead processes held.
            on_settled: Called when that put copies into the queue.
            lease_seconds: How long a lease is good.
        """
        self._connection = KeptConnection(engine)
        self._owner = owner
        self._recovery = recovery
        self._on_settled = on_settled
        self._lease_seconds = lease_seconds
        self._renewed_at = 0.0

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                try:
                    await self._once()
                except Exception as error:
                    if not is_disconnect(error):
                        logger.exception("looking after leases failed")
                    self._recovery.reconnected()
                    await self._connection.drop()
                await asyncio.sleep(SWEEP_SECONDS)
        finally:
            await self._connection.drop()

    async def _once(self) -> None:
        connection = await self._connection.get()
        if time.monotonic() - self._renewed_at > self._lease_seconds / 4:
            ages = await messages.renew_leases(connection, self._owner, lease_seconds=self._lease_seconds)
            self._renewed_at = time.monotonic()
            await self._recovery.settle_unknown(
                connection, [lease_id for lease_id, age in ages.items() if age > UNKNOWN_SECONDS]
            )
        if await self._recovery.sweep(connection):
            self._on_settled()
