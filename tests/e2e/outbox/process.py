"""The outbox process, and a customer's endpoint at which calls are open when it is killed."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

from app.settings import Settings, as_environment, environment
from tests.fixtures.web_server import Behaviour, Writer, status


@contextlib.contextmanager
def outbox(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, ended in the end in whatever way."""
    values = {
        name: getattr(settings, name)
        for name in ("public_url", "bounce_domain", "database_url", "broker_url", "data_dir")
    }
    values |= {
        "secret_keys": settings.secret_keys[0],
        "outbound.allow_private_networks": True,
        "postbacks.timeout_seconds": 1,
    }
    process = subprocess.Popen([sys.executable, "-m", "app", "outbox"], env=environment() | as_environment(values))
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def busy(*, after: int) -> tuple[Behaviour, asyncio.Event]:
    """Return an endpoint at which calls are open at any moment, and what tells that so many have begun."""
    begun = 0
    enough = asyncio.Event()

    async def answer(head: bytes, writer: Writer) -> None:
        nonlocal begun
        begun += 1
        if begun >= after:
            enough.set()
        await asyncio.sleep(0.03)
        await status(200)(head, writer)

    return answer, enough
