"""Another mail server that brings failure reports, and tries again whatever was not taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.report_load import Reports

SENDERS = 20
"""Sessions at once."""
AGAIN_SECONDS = 0.02
"""A server waits before it tries again."""


class OtherServer:
    """Brings reports until each is taken, over as many sessions as it can open."""

    def __init__(self, reports: Reports, port: int, ids: list[int]) -> None:
        """Take what it works with.

        Args:
            reports: Writes them.
            port: Of the intake.
            ids: Copies to be reported on.
        """
        self.taken: list[int] = []
        self._reports, self._port = reports, port
        self._waiting = list(reversed(ids))

    async def run(self) -> None:
        """Bring all of them."""
        await asyncio.gather(*(self._bring() for _ in range(SENDERS)))

    async def _bring(self) -> None:
        while self._waiting:
            with contextlib.suppress(OSError, EOFError):
                async with self._session() as (reader, writer):
                    while self._waiting:
                        await self._one(reader, writer)
            await asyncio.sleep(AGAIN_SECONDS)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await _reply(reader, b"220")
            writer.write(b"HELO mx.example.org\r\n")
            await _reply(reader, b"250")
            yield reader, writer
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        which = self._waiting.pop()
        try:
            commands, content = self._reports.on(which)
            writer.write(commands + content)
            for code in (b"250", b"250", b"354", b"250"):
                await _reply(reader, code)
        except BaseException:
            self._waiting.append(which)  # whether it was taken is not known
            raise
        self.taken.append(which)


async def _reply(reader: asyncio.StreamReader, code: bytes) -> None:
    line = await reader.readline()
    if not line.startswith(code):
        raise EOFError(line)
