"""The domains that are ours: `bounce_domain`, and customers' names that lead to us. Imports `app.core`, `app.db`."""

import asyncio
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import intake
from app.db.unit_of_work import reading

FRESH_SECONDS = 30.0
"""How long customers' names are remembered."""
UNKNOWN_SECONDS = 1.0
"""How long a name stays unknown: delivery may use it as soon as it was verified, and bounces come back at once."""


class Domains:
    """Tells whether mail for a domain is for us."""

    def __init__(self, bounce_domain: str, engine: AsyncEngine) -> None:
        """Begin with the one domain.

        Args:
            bounce_domain: Of the settings.
            engine: Of the process.
        """
        self._own = bounce_domain.lower().rstrip(".")
        self._engine = engine
        self._theirs: frozenset[str] = frozenset()
        self._read_at = -FRESH_SECONDS
        self._reading = asyncio.Lock()

    async def are_ours(self, domain: str) -> bool:
        """Tell whether mail for this domain is for us.

        Raises:
            DatabaseAway: It is not known now.
        """
        domain = domain.lower().rstrip(".")
        if domain == self._own:
            return True
        if not domain.startswith("dynrp."):
            return False
        if domain in self._theirs and monotonic() - self._read_at < FRESH_SECONDS:
            return True
        async with self._reading:  # one asks for all who wait
            if monotonic() - self._read_at >= UNKNOWN_SECONDS:
                async with reading(self._engine) as read:
                    self._theirs = await intake.return_path_domains(read)
                self._read_at = monotonic()
        return domain in self._theirs
