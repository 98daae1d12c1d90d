"""The fast SMTP server of the tests, with its count and two instants in a small mapped file.

    python -m bench.counting_sink FILE

So whoever measures sees how far it is without disturbing it. The first line of its output is the port.
"""

import asyncio
import mmap
import signal
import struct
import sys
import time
from pathlib import Path

import uvloop

from tests.fixtures.smtp_sink import Book, Sink

STATE = struct.Struct("<qdd")  # accepted recipients, monotonic seconds of the first and of the last


class View:
    """The file, as both sides see it."""

    def __init__(self, path: Path) -> None:
        """Map it; it is made when missing."""
        if not path.exists():
            path.write_bytes(bytes(STATE.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), STATE.size)

    def reset(self) -> None:
        """Begin anew; only while nothing is being sent."""
        STATE.pack_into(self._map, 0, 0, 0.0, 0.0)

    def read(self) -> tuple[int, float, float]:
        """Return accepted recipients, and the instants of the first and of the last."""
        count, first, last = STATE.unpack_from(self._map)
        return count, first, last

    def note(self, recipients: int) -> None:
        """Count accepted recipients."""
        count, first, _ = self.read()
        now = time.monotonic()
        STATE.pack_into(self._map, 0, count + recipients, first or now, now)


class CountingSink(Sink):
    """One session."""

    def __init__(self, book: Book, view: View) -> None:
        super().__init__(book, 0.0)
        self.view = view

    def accept(self, buffer: bytes, start: int, end: int, records: list[bytes]) -> None:
        self.view.note(len(self.recipients))
        super().accept(buffer, start, end, records)


async def serve(view: View) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    book = Book(None)
    server = await loop.create_server(lambda: CountingSink(book, view), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(View(Path(sys.argv[1]))))
