"""What becomes of accepted mail: a real drain and a real SMTP server for as long as anything waits."""

import asyncio
import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.delivery.drain import Drain
from app.settings import Settings
from tests.fixtures.smtp_server import Received, SmtpServer
from workers.event_router import EventRouter, consumers_of

LONGEST_SECONDS = 20
_WAITING = """
    SELECT (SELECT count(*) FROM messages WHERE finished_at IS NULL)
        + (SELECT count(*) FROM runs WHERE state = 'sending' AND next_seq <= total) AS waiting
"""


@dataclass(frozen=True)
class Mailroom:
    """The rows of a test's database, and the way out of it."""

    settings: Settings
    engine: AsyncEngine

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def delivered(self) -> list[Received]:
        """Return what arrived at a server that takes everything."""
        async with SmtpServer() as server:
            await self.deliver(server)
            return server.messages

    async def deliver(self, server: SmtpServer) -> None:
        """Let a delivery process work until nothing waits.

        Raises:
            TimeoutError: Something still does.
        """
        relay = {"route": "relay", "relay_url": f"smtp://127.0.0.1:{server.port}"}
        delivery = self.settings.delivery.model_copy(update=relay)
        drain = Drain(self.settings.model_copy(update={"delivery": delivery}))
        task = asyncio.create_task(drain.run())
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                waiting = -1
                while waiting:
                    await asyncio.sleep(0.02)
                    waiting = (await self.rows(_WAITING))[0]["waiting"]
        finally:
            drain.stop()
            await asyncio.wait_for(task, LONGEST_SECONDS)

    async def route_events(self) -> None:
        """Let everything follow from what has happened."""
        router = EventRouter(self.engine, on_routed=lambda: None, consumers=consumers_of(self.settings))
        while await router.route():
            pass


def parsed(received: Received) -> EmailMessage:
    """Return a mail, parsed."""
    mail = email.message_from_bytes(received.data, policy=email.policy.SMTP)
    assert isinstance(mail, EmailMessage)
    return mail
