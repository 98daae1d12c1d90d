"""The import of a suppression list. Imports the front doors of contacts and suppressions, and this package's siblings.

Lines are read by `suppressions.read_csv`, some thousand at a time, each time behind the line that names the columns.

Source: docs/contract/native.md, 7.
"""

import io
import itertools
from typing import Any

from app.core import contacts, suppressions
from app.core.suppressions import BadLine, NewEntry, Reason
from app.core.transfers import chunks
from app.core.transfers.chunks import Bad
from app.core.transfers.running import Done, Lease
from app.db.unit_of_work import unit_of_work
from app.models.job_chunk import ChunkKind

LINES = 5000
"""Of one transaction."""
_BOM = b"\xef\xbb\xbf"
_NAMES = ("email", "reason", "created_at", "detail")
_ENCODING = ("utf-8", "surrogateescape")


class SuppressionImport:
    """A file on its way into a suppression list."""

    def __init__(self, lease: Lease) -> None:
        """Begin where the job stands; nothing is read before the first step."""
        self._lease = lease
        self._reason = Reason(lease.options["reason"])
        position: dict[str, Any] = {"offset": 0, "line": 0, "names": None, **lease.position}
        self._offset, self._line, self._names = position["offset"], position["line"], position["names"]
        self._seq, self._skip = divmod(self._offset, chunks.PIECE)
        self._buffer = b""
        self._ended = False

    async def step(self) -> bool:
        """Enter the next lines.

        Raises:
            Lost: The job was cancelled, or another worker has it.
        """
        while not self._ended and self._buffer.count(b"\n") < LINES and len(self._buffer) < 2 * chunks.PIECE:
            data = await chunks.piece(self._lease.connection, self._lease.job_id, ChunkKind.FILE, self._seq)
            self._seq += 1
            self._ended = not data
            self._buffer += data[self._skip :]
            self._skip = 0
        if not self._buffer:
            return False
        if self._offset == 0 and self._buffer.startswith(_BOM):
            self._buffer = self._buffer[len(_BOM) :]
            self._offset = len(_BOM)
        if self._names is None:
            self._find_names()
        lines = list(itertools.islice(io.BytesIO(self._buffer), LINES))
        if lines and not lines[-1].endswith(b"\n") and not self._ended and len(lines) > 1:
            lines.pop()
        await self._enter(lines)
        return True

    async def close(self) -> None:
        """Nothing is under way between batches."""

    def _find_names(self) -> None:
        """Note the line that names the columns, and take it; or the usual names, when the first line is an entry."""
        raw = self._buffer[: self._buffer.find(b"\n") + 1] or self._buffer
        first = raw.decode(*_ENCODING).rstrip("\r\n")
        if any(True for _ in suppressions.read_csv(io.StringIO(first, newline=""))) or len(raw) > chunks.PIECE:
            self._names = max(",;\t", key=first.count).join(_NAMES)
            return
        self._names = first
        self._buffer = self._buffer[len(raw) :]
        self._offset, self._line = self._offset + len(raw), 1

    async def _enter(self, lines: list[bytes]) -> None:
        lease, size = self._lease, sum(map(len, lines))
        text = b"".join(lines).decode(*_ENCODING)
        entries: list[NewEntry] = []
        bad: list[Bad] = []
        for one in suppressions.read_csv(io.StringIO(f"{self._names}\n{text}", newline=""), reason=self._reason):
            if isinstance(one, BadLine):
                bad.append((self._line + one.line - 1, one.email, f"{one.fault.field} {one.fault.message}"))
            else:
                entries.append(one)
        position = {"offset": self._offset + size, "line": self._line + len(lines), "names": self._names}
        async with unit_of_work(lease.engine) as write:
            await lease.hold_by(write)
            made = await contacts.suppress_many(write, lease.account_id, entries)
            data, told = chunks.told(bad, lease.told)
            await chunks.append_by(write, lease.job_id, ChunkKind.ERRORS, data)
            added = len(made.added)
            await lease.advance_by(write, position, Done(added, 0, len(entries) - added, len(bad), told))
        self._buffer = self._buffer[size:]
        self._offset, self._line = position["offset"], position["line"]
        lease.told += told
        lease.position = position
