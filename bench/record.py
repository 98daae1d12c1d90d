"""The file a recording SMTP server writes: what it has taken, and how many sessions it has and had.

A mapped file: noting costs about a microsecond and no system call, the pages belong to the kernel and outlive the
process, and a reader sees a mail as soon as it is noted. A line a mail; the header tells how far they go.
"""

import mmap
import time
from dataclasses import dataclass
from pathlib import Path

END, COUNT, FIRST, LAST, OPENED, CLOSED, DROPPED = range(7)
"""Numbers of the header: end of the last line, mails, first and last instant (monotonic, nanoseconds), sessions."""
START = mmap.PAGESIZE
"""The header has a page of its own. Each number is stored and read at once, which `struct` would not do."""
GROWTH = 64 << 20
"""Bytes by which the file grows; they take no room on the disk before they are written."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail for one recipient.

    Attributes:
        at: When it was taken, monotonic seconds of this machine.
        session: Number of the connection, from 1.
        recipient: Envelope recipient.
        sender: Envelope sender.
        message_id: Without the brackets.
        size: Octets of its content.
        marks: The words that follow each of the texts the server was told to look for; "" where one was missing.
    """

    at: float
    session: int
    recipient: str
    sender: str
    message_id: str
    size: int
    marks: tuple[str, ...]


class Writer:
    """The server's side."""

    def __init__(self, path: Path) -> None:
        """Make the file."""
        with path.open("w+b") as file:
            file.truncate(GROWTH)
            self._map = mmap.mmap(file.fileno(), GROWTH)
            self._header = memoryview(mmap.mmap(file.fileno(), START)).cast("q")
        self._room = GROWTH
        self._end = self._header[END] = START

    def add(self, session: int, size: int, texts: tuple[bytes, ...]) -> int:
        """Note one mail; return the instant (monotonic, nanoseconds).

        Args:
            session: Number of the connection.
            size: Octets of its content.
            texts: Recipient, sender, Message-ID, marks.
        """
        now = time.monotonic_ns()
        line = b"%d\t%d\t%d\t%b\n" % (now, session, size, b"\t".join(texts))
        start = self._end
        end = self._end = start + len(line)
        if end > self._room:
            self._room += GROWTH
            self._map.resize(self._room)
        self._map[start:end] = line
        header = self._header
        header[COUNT] += 1
        header[FIRST] = header[FIRST] or now
        header[LAST] = now
        # Last, so that a reader never sees half a line.
        header[END] = end
        return now

    def note_sessions(self, *, opened: int = 0, closed: int = 0, dropped: int = 0) -> None:
        """Count sessions; dropped are those that ended without QUIT in the middle of a transaction."""
        for place, more in ((OPENED, opened), (CLOSED, closed), (DROPPED, dropped)):
            self._header[place] += more


class Reader:
    """Anybody else's side, while the server runs or after it."""

    def __init__(self, path: Path) -> None:
        """Open the file; nothing was read yet."""
        self._path = path
        self._map = self._mapped()
        with path.open("rb") as file:
            self._header = memoryview(mmap.mmap(file.fileno(), START, access=mmap.ACCESS_READ)).cast("q")
        self._position = START

    def _mapped(self) -> mmap.mmap:
        with self._path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @property
    def count(self) -> int:
        """Mails taken."""
        return self._header[COUNT]

    @property
    def instants(self) -> tuple[float, float]:
        """When the first and when the last mail was taken, monotonic seconds; 0.0 before the first."""
        return self._header[FIRST] / 1e9, self._header[LAST] / 1e9

    @property
    def live(self) -> int:
        """Sessions open now."""
        return self._header[OPENED] - self._header[CLOSED]

    @property
    def dropped(self) -> int:
        """Sessions that ended without QUIT in the middle of a transaction."""
        return self._header[DROPPED]

    def skip(self) -> None:
        """Go to the end: what was taken until now is not to be read."""
        self._position = self._header[END]

    def new(self) -> list[Taken]:
        """Return what was taken since the last call."""
        end = self._header[END]
        if end > len(self._map):
            self._map.close()
            self._map = self._mapped()
        text = self._map[self._position : end].decode("utf-8", "replace")
        self._position = end
        return [_taken(line) for line in text.split("\n")[:-1]]

    def close(self) -> None:
        """Let go of the file."""
        self._header.release()
        self._map.close()


def _taken(line: str) -> Taken:
    at, session, size, recipient, sender, message_id, *marks = line.split("\t")
    return Taken(int(at) / 1e9, int(session), recipient, sender, message_id, int(size), tuple(marks))
