"""The crash journal of one delivery process: what it had begun, and what it was told.

A memory-mapped file of fixed slots. A copy is noted before its final dot can reach the wire, and the reply as it
arrives; both cost microseconds, because nothing is flushed: the pages belong to the kernel and outlive the process
(not the machine). So after a kill -9 the copies in doubt are those whose dot was written and whose reply was not, and
no more. The owner holds an exclusive lock on the file for as long as it lives; that is how others know.
"""

import contextlib
import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from app.mail.smtp.outcome import Outcome, Status

SLOT_BYTES = 320
_FIELDS = struct.Struct("<BHHHIQ")  # after the state's octet: status, code, attempt, length of the text, ms, message id
_TEXT = 1 + _FIELDS.size
_TEXT_LIMIT = SLOT_BYTES - _TEXT
_FREE, _BEGUN, _REPLIED = 0, 1, 2
_STATUSES = tuple(Status)
_MOST_MILLISECONDS = 2**32 - 1


class JournalLocked(OSError):
    """Raised when the journal's owner lives."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a journal tells of a copy.

    Attributes:
        message_id: The copy.
        attempt: The attempt that was begun.
        outcome: What the server said; None when the process ended before it was known.
    """

    message_id: int
    attempt: int
    outcome: Outcome | None


class Journal:
    """The journal of this process. Not thread-safe: one loop writes it."""

    def __init__(self, directory: Path, incarnation: UUID, *, slots: int) -> None:
        """Make the file and lock it.

        Args:
            directory: Where journals are; made if missing.
            incarnation: Name of the file.
            slots: Copies that may be noted at the same time.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path_of(directory, incarnation)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, slots * SLOT_BYTES)
        self._file: BinaryIO = os.fdopen(descriptor, "r+b")
        self._map = mmap.mmap(descriptor, slots * SLOT_BYTES)
        self._free = [slot * SLOT_BYTES for slot in range(slots - 1, -1, -1)]
        self._noted: dict[tuple[int, int], int] = {}
        """Where in the file each copy is noted."""

    @property
    def room(self) -> int:
        """How many more copies can be noted."""
        return len(self._free)

    def knows(self, message_id: int) -> bool:
        """Tell whether a copy was begun and has not been committed."""
        return any(known == message_id for known, _attempt in self._noted)

    def begin(self, message_id: int, attempt: int) -> None:
        """Note that the final dot of a copy is about to be written; again for the same copy changes nothing."""
        key = (message_id, attempt)
        if key not in self._noted:
            place = self._noted[key] = self._free.pop()
            _FIELDS.pack_into(self._map, place + 1, 0, 0, attempt, 0, 0, message_id)
            self._map[place] = _BEGUN  # last: a slot is either as it was or complete

    def finish(self, message_id: int, attempt: int, outcome: Outcome) -> None:
        """Note what the server said about a copy that was begun."""
        place = self._noted.get((message_id, attempt))
        if place is None:
            return
        text = f"{outcome.enhanced}\0{outcome.host}\0{outcome.reply}".encode("utf-8", "replace")[:_TEXT_LIMIT]
        milliseconds = min(outcome.duration_ms, _MOST_MILLISECONDS)
        # In one piece, so that what says which copy it is stays what it is at every moment; the state last again.
        self._map[place + 1 : place + _TEXT + len(text)] = (
            _FIELDS.pack(
                _STATUSES.index(outcome.status), outcome.code & 0xFFFF, attempt, len(text), milliseconds, message_id
            )
            + text
        )
        self._map[place] = _REPLIED

    def forget(self, message_id: int, attempt: int) -> None:
        """Drop the note of a copy, because its outcome has been committed."""
        place = self._noted.pop((message_id, attempt), None)
        if place is not None:
            self._map[place] = _FREE
            self._free.append(place)

    def adopt(self, noted: Noted) -> None:
        """Note what another journal tells, before it goes."""
        self.begin(noted.message_id, noted.attempt)
        if noted.outcome is not None:
            self.finish(noted.message_id, noted.attempt, noted.outcome)

    def close(self) -> None:
        """Let go of the file; it is removed when nothing in it is still needed."""
        self._map.close()
        if not self._noted:
            self.path.unlink(missing_ok=True)
        self._file.close()


def path_of(directory: Path, incarnation: UUID) -> Path:
    """Return the file a process of that incarnation keeps its journal in."""
    return directory / f"{incarnation}.journal"


@contextlib.contextmanager
def dead_journal(path: Path) -> Iterator[list[Noted]]:
    """Lend what the journal of a process that is gone tells; empty when there is no file.

    Raises:
        JournalLocked: The process lives.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield []
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalLocked(str(path)) from None
        data = file.read()
        yield [
            noted
            for offset in range(0, len(data) - SLOT_BYTES + 1, SLOT_BYTES)
            if (noted := _read(data[offset : offset + SLOT_BYTES])) is not None
        ]


def _read(slot: bytes) -> Noted | None:
    state = slot[0]
    if state == _FREE:
        return None
    status, code, attempt, length, milliseconds, message_id = _FIELDS.unpack_from(slot, 1)
    if state == _BEGUN:
        return Noted(message_id, attempt, None)
    text = slot[_TEXT : _TEXT + length].decode("utf-8", "ignore")
    enhanced, host, reply = [*text.split("\0", 2), "", ""][:3]
    outcome = Outcome(
        status=_STATUSES[status], code=code, enhanced=enhanced, reply=reply, host=host, duration_ms=milliseconds
    )
    return Noted(message_id, attempt, outcome)
