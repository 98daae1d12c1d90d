"""Rows of a CSV file that comes in pieces, with the place behind each batch. Pure; imports this package's values.

Bytes are fed, batches are taken; whoever begins again at the place of a batch gets the rows behind it. Quoted values
may hold line ends. A row that is no CSV fails alone: a quote that is never closed costs its line, not the rest of the
file. Nothing is held but a few megabytes, whatever the file looks like.

Source: RFC 4180; docs/contract/native.md, 7.
"""

import csv
import io
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.core.transfers.values import DELIMITERS, MAX_COLUMNS

MAX_LINE = 1 << 18
"""Octets of a line, and of all lines of one row."""
WINDOW = 1 << 20
"""Octets looked at together."""
MAX_BATCH = 4 << 20
"""Octets of a batch, about."""
MAX_UNCLOSED = 100
"""Quotes that are never closed, after which values end with their lines: looking for their ends takes time."""

_BOM = b"\xef\xbb\xbf"
_AT_END = "unexpected end of data"
"""What the csv module says of a quote that is open at the end."""
_ENCODING = ("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no CSV.

    Attributes:
        line: Number of its first line in the file, from 1.
        fault: Why it is bad.
    """

    line: int
    fault: str


@dataclass(slots=True)
class Place:
    """Where to go on.

    Attributes:
        offset: Octets of the file in front.
        line: Lines in front.
        unclosed: Quotes so far that were never closed.
    """

    offset: int = 0
    line: int = 0
    unclosed: int = 0

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"offset": self.offset, "line": self.line, "unclosed": self.unclosed}


Plain: TypeAlias = tuple[int, list[str]]


@dataclass(slots=True)
class Batch:
    """Rows in order, and where the next ones begin.

    Attributes:
        rows: Number of the first line, and values.
        bad: Rows that are no CSV.
        clean: Whether every text is UTF-8 and without NUL.
    """

    rows: list[Plain] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    place: Place = field(default_factory=Place)
    clean: bool = True


class CsvReader:
    """Reads a file from a place on.

    Attributes:
        delimiter: Between values.
    """

    def __init__(self, place: Place, *, delimiter: str) -> None:
        """Begin at a place of an earlier reader, or at the beginning of the file.

        Args:
            place: Taken over.
            delimiter: One character.
        """
        self._offset, self._line, self._unclosed = place.offset, place.line, place.unclosed
        self.delimiter = delimiter
        self._buffer = bytearray()
        self._ended = False
        self._skipping = False

    @property
    def waiting(self) -> int:
        """Octets that were fed and not taken yet."""
        return len(self._buffer)

    @property
    def was_told_all(self) -> bool:
        """Whether the end of the file was fed."""
        return self._ended

    @property
    def has_ended(self) -> bool:
        """Whether everything was fed and taken."""
        return self._ended and not self._buffer

    def feed(self, data: bytes) -> None:
        """Take more of the file; nothing at its end."""
        self._buffer += data
        self._ended = self._ended or not data

    def find_delimiter(self) -> str:
        """Choose the delimiter by what has been fed of the first line, and return it."""
        line = bytes(self._buffer[:MAX_LINE]).partition(b"\n")[0]
        self.delimiter = max(DELIMITERS, key=lambda one: line.count(one.encode()))
        return self.delimiter

    def batch(self, most: int) -> Batch:
        """Return the next rows: none when more must be fed, or the file has ended.

        Args:
            most: Rows, good and bad; a batch also ends after some megabytes.
        """
        batch = Batch()
        if not self._offset and self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
            self._offset = len(_BOM)
        begun = self._offset
        while len(batch.rows) + len(batch.bad) < most and self._buffer and self._offset - begun < MAX_BATCH:
            before = self._offset
            self._window(batch, most)
            if self._offset == before:
                break
        batch.place = Place(self._offset, self._line, self._unclosed)
        return batch

    def _window(self, batch: Batch, most: int) -> None:
        """Read whole lines; when there are none yet, nothing."""
        if self._skipping or not self._has_line():
            self._skip_line(batch)
            return
        end = self._buffer.rfind(b"\n", 0, WINDOW) + 1
        whole = self._ended and len(self._buffer) <= WINDOW
        raw = bytes(self._buffer) if whole else bytes(self._buffer[:end])
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text, batch.clean = raw.decode(*_ENCODING), False
        if "\0" in text:
            batch.clean = False
        taken, lines = self._rows(text, batch, most, at_end=whole)
        size = taken if text.isascii() else len(text[:taken].encode(*_ENCODING))
        del self._buffer[:size]
        self._offset += size
        self._line += lines

    def _has_line(self) -> bool:
        return self._buffer.find(b"\n", 0, MAX_LINE) >= 0 or (self._ended and len(self._buffer) <= MAX_LINE)

    def _skip_line(self, batch: Batch) -> None:
        """Drop what there is of a line that is too long; wait while it may still end in time."""
        if not self._skipping:
            if len(self._buffer) <= MAX_LINE:
                return
            batch.bad.append(BadRow(self._line + 1, "the line is too long"))
            self._skipping = True
        end = self._buffer.find(b"\n") + 1
        size = end or len(self._buffer)
        del self._buffer[:size]
        self._offset += size
        if end:
            self._skipping = False
            self._line += 1

    def _rows(self, text: str, batch: Batch, most: int, *, at_end: bool) -> tuple[int, int]:
        """Put the rows of whole lines into the batch; return how many characters and lines they are.

        A row whose quote is still open at the end of the text is left for when there is more of the file.
        """
        source = io.StringIO(text, newline="\n")
        taken = lines = 0
        while taken < len(text) and len(batch.rows) + len(batch.bad) < most:
            source.seek(taken)
            ahead = source if self._unclosed < MAX_UNCLOSED else [source.readline()]
            reader = csv.reader(ahead, delimiter=self.delimiter, strict=True)
            before, room = lines, most - len(batch.bad)
            try:
                for cells in reader:
                    if len(cells) > MAX_COLUMNS:
                        batch.bad.append(BadRow(self._line + lines + 1, f"has more than {MAX_COLUMNS} values"))
                    elif cells:
                        batch.rows.append((self._line + lines + 1, cells))
                    taken, lines = source.tell(), before + reader.line_num
                    if len(batch.rows) >= room:
                        break
            except csv.Error as error:
                is_open = _AT_END in str(error)
                if is_open and ahead is source and not at_end and len(text) - taken <= MAX_LINE:
                    break
                batch.bad.append(BadRow(self._line + lines + 1, "is not CSV: look at its quotes"))
                self._unclosed += is_open
                taken, lines = text.find("\n", taken) + 1 or len(text), lines + 1
        return taken, lines
