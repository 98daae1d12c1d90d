"""Suppression lists as CSV: one line in, one entry out, and back. Pure; imports the core's errors.

Source: docs/contract/native.md, 7.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from app.core.errors import Fault, FieldFault
from app.core.suppressions.changing import NewEntry
from app.core.suppressions.keys import checked_key
from app.core.suppressions.reading import Entry
from app.models.suppression import Reason

COLUMNS = ("email", "reason", "created_at", "detail")
"""Of a file without names in its first line, in this order; the last three may be missing."""
MAX_LINE = 100_000
"""Characters of a line."""

_ADDRESS_NAMES = {"email", "e-mail", "emailaddress", "email_address", "address"}
_DELIMITERS = ",;\t"
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no entry.

    Attributes:
        line: Its number in the file, from 1.
        email: Its address as it was given.
        fault: What is wrong with it.
    """

    line: int
    email: str
    fault: FieldFault


class Lines(Protocol):
    """A text file, as far as it is needed here."""

    def readline(self, size: int, /) -> str:
        """Return the next line with its end, or as much of it as was asked for; "" at the end of the file."""
        ...


def read_csv(file: Lines, *, reason: Reason = Reason.MANUAL) -> Iterator[NewEntry | BadLine]:
    """Yield the entries of a file in order, a bad line among them, in constant memory.

    The first line may name the columns: `email` and, in any order, `reason`, `created_at`, `detail`; others are left
    out. Comma, semicolon or tab part them, whichever the first line has most of. Blank lines are nothing. A value ends
    with its line, so that a quote that is never closed spoils one line and not the rest of the file.

    Args:
        file: Opened with `newline=""` and `errors="surrogateescape"`.
        reason: Of lines that give none.
    """
    latest = datetime.now(UTC) + _CLOCKS_DIFFER
    columns: Sequence[str] = ()
    delimiter = ""
    for number, line in enumerate(_lines(file), 1):
        delimiter = delimiter or max(_DELIMITERS, key=line.count)
        try:
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True), [])
        except csv.Error:
            yield BadLine(number, "", FieldFault("line", Fault.INVALID, "is not CSV, or too long"))
            continue
        if not any(cells):
            continue
        if not columns:
            columns = _named(cells)
            if columns:
                continue
            columns = COLUMNS
        yield _entry(dict(zip(columns, cells, strict=False)), number, reason, latest)


CSV_HEADER = ",".join(COLUMNS) + "\r\n"
"""First line of an exported list."""


def csv_line(entry: Entry) -> str:
    """Return an entry as a line that `read_csv` reads back, its end included; a detail of several lines is one."""
    written = io.StringIO()
    since = entry.created_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    csv.writer(written).writerow((entry.address, entry.reason, since, " ".join(entry.detail.split())))
    return written.getvalue()


def _lines(file: Lines) -> Iterator[str]:
    """Yield lines; of one that is too long a text that is not CSV."""
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            while (rest := file.readline(MAX_LINE)) and len(rest) == MAX_LINE and not rest.endswith(("\n", "\r")):
                pass
            line = '"'
        yield line


def _named(cells: Sequence[str]) -> Sequence[str]:
    """Return the names of the columns, if the cells are names."""
    names = [cell.strip().lower() for cell in cells]
    names = ["email" if name in _ADDRESS_NAMES else name for name in names]
    return names if "email" in names else ()


def _entry(values: dict[str, str], line: int, default: Reason, latest: datetime) -> NewEntry | BadLine:
    email = values.get("email", "").strip()
    address = checked_key(email)
    if address is None:
        return BadLine(line, email, FieldFault("email", Fault.INVALID, "must be a valid email address"))
    reason = values.get("reason", "").strip().lower()
    if reason and reason not in set(Reason):
        return BadLine(line, email, FieldFault("reason", Fault.UNKNOWN, f"must be one of {', '.join(Reason)}"))
    try:
        since = _instant(values.get("created_at", "").strip(), latest)
    except ValueError:
        message = "must be a time of ISO 8601 since 1970, and not in the future"
        return BadLine(line, email, FieldFault("created_at", Fault.INVALID, message))
    return NewEntry(address, Reason(reason) if reason else default, values.get("detail", "").strip(), since)


def _instant(text: str, latest: datetime) -> datetime | None:
    """Return a time, taken as UTC without an offset; None for a blank.

    Raises:
        ValueError: It is none, or cannot be when an address came on a list.
    """
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not _OLDEST <= moment <= latest:
        raise ValueError(text)
    return moment
