"""Suppression lists of an installation: `trireme suppressions`. Imports the core's front doors."""

import asyncio
import itertools
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.asking import settings_for_asking
from app.cli.audit import CANNOT_LOOK, NO_ANSWER, Unknown, account_id_of
from app.cli.configuration import NotConfigured
from app.cli.plan import USERNAME
from app.cli.state import DataDirectory
from app.core import contacts, suppressions
from app.core.suppressions import BadLine, Entry, NewEntry, Reason
from app.db.engine import make_engine
from app.db.unit_of_work import reading, unit_of_work

STATEMENT_SECONDS = 300.0
BATCH = 5000
"""Lines of one transaction: an import that is broken off has done its part and may be done again."""
MAX_SHOWN = 1000
"""Most bad lines that are shown; all are counted."""
DONE, REFUSED = 0, 1


@dataclass(slots=True)
class Imported:
    """What became of the lines of a file.

    Attributes:
        added: Entries that were made, or have replaced an `unsubscribe`.
        existing: Lines whose entries were there, or stand above in the file.
        invalid: Lines that are no entries.
        errors: The first of them: line, email, error.
    """

    added: int = 0
    existing: int = 0
    invalid: int = 0
    errors: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list is.

    Attributes:
        data_dir: Of `trireme up`.
        account: Whose; "" is the account that `trireme up` made.
    """

    data_dir: Path
    account: str

    def visit(self, deed: Callable[[AsyncEngine, int], Awaitable[int]]) -> int:
        """Return what the deed returns; 2, after saying why, when there is no list to look at."""
        username = self.account or str(DataDirectory(self.data_dir).runtime().get("username") or USERNAME)

        async def go() -> int:
            engine = make_engine(settings_for_asking(self.data_dir, statement_seconds=STATEMENT_SECONDS), pool_size=1)
            try:
                account_id = await account_id_of(engine, username)
                assert account_id is not None  # noqa: S101 the name is not blank
                return await deed(engine, account_id)
            finally:
                await engine.dispose()

        try:
            return asyncio.run(go())  # noqa: TID251 a command owns its loop
        except (NotConfigured, Unknown) as error:
            print(error, file=sys.stderr)
        except BrokenPipeError:  # who reads has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            print(error, file=sys.stderr)
        except NO_ANSWER as error:
            print(f"No answer: {error!r}", file=sys.stderr)
        return CANNOT_LOOK


def import_file(place: Place, file: str, *, reason: str, as_json: bool) -> int:
    """Enter the addresses of a CSV file, "-" for standard input; return 0, or 1 when some lines are no entries."""

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        with ExitStack() as stack:
            lines = suppressions.read_csv(_opened(stack, file), reason=Reason(reason))
            done = await _enter(engine, account_id, lines, as_json=as_json)
        if as_json:
            print(orjson.dumps(asdict(done), option=orjson.OPT_INDENT_2).decode())
        else:
            print(f"added={done.added}\nexisting={done.existing}\ninvalid={done.invalid}")
        return REFUSED if done.invalid else DONE

    return place.visit(deed)


def export(place: Place, output: Path | None, *, as_json: bool) -> int:
    """Write the whole list as CSV, or one JSON object a line, oldest entry first; return 0."""

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        with ExitStack() as stack:
            to: TextIO = sys.stdout
            if output is not None:
                to = stack.enter_context(output.open("w", encoding="utf-8", newline=""))
            if not as_json:
                to.write(suppressions.CSV_HEADER)
            async with reading(engine) as read:
                async for entry in suppressions.stream(read, account_id):
                    to.write(f"{_json(entry).decode()}\n" if as_json else suppressions.csv_line(entry))
        return DONE

    return place.visit(deed)


def show(place: Place, *, since: date | None, offset: int, limit: int, as_json: bool) -> int:
    """Print entries, oldest first; return 0."""

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        start = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
        async with reading(engine) as read:
            total = await suppressions.count(read, account_id, start=start)
            entries = await suppressions.page(read, account_id, start=start, offset=offset, limit=limit)
        if as_json:
            print(orjson.dumps({"total": total, "entries": [orjson.Fragment(_json(one)) for one in entries]}).decode())
            return DONE
        for entry in entries:
            print(
                _printable(f"{entry.created_at:%Y-%m-%d %H:%M:%S}  {entry.reason:<11}  {entry.address}  {entry.detail}")
            )
        print(f"total={total}")
        return DONE

    return place.visit(deed)


def remove(place: Place, address: str, *, clear_mark: bool, as_json: bool) -> int:
    """Take an address off the list, and its contacts too; return 0, or 1 when it is not on the list."""

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        async with unit_of_work(engine) as write:
            gone = await contacts.unsuppress(write, account_id, [address], clear_marks=clear_mark)
        print(orjson.dumps({"removed": gone}).decode() if as_json else f"removed={len(gone)}")
        return DONE if gone else REFUSED

    return place.visit(deed)


def _opened(stack: ExitStack, file: str) -> TextIO:
    """Return the file as `read_csv` wants it; what is no UTF-8 makes its line a bad one."""
    source = sys.stdin.fileno() if file == "-" else file
    return stack.enter_context(
        open(source, encoding="utf-8-sig", errors="surrogateescape", newline="", closefd=file != "-")
    )


async def _enter(
    engine: AsyncEngine, account_id: int, lines: Iterator[NewEntry | BadLine], *, as_json: bool
) -> Imported:
    done, total = Imported(), 0
    while batch := list(itertools.islice(lines, BATCH)):
        entries = [one for one in batch if isinstance(one, NewEntry)]
        async with unit_of_work(engine) as write:
            suppressed = await contacts.suppress_many(write, account_id, entries)
        done.added += len(suppressed.added)
        done.existing += len(entries) - len(suppressed.added)
        for bad in (one for one in batch if isinstance(one, BadLine)):
            done.invalid += 1
            if done.invalid > MAX_SHOWN:
                continue
            email, error = _printable(bad.email[:100]), f"{bad.fault.field} {bad.fault.message}"
            done.errors.append({"line": bad.line, "email": email, "error": error})
            if not as_json:
                print(f"line {bad.line}: {email!r}: {error}", file=sys.stderr)
        total += len(batch)
        print(f"{total} lines", file=sys.stderr)
    return done


def _json(entry: Entry) -> bytes:
    """Return an entry by the names of docs/contract/native.md, 13."""
    values = {
        "email": entry.address,
        "reason": entry.reason,
        "number": entry.id,
        "detail": entry.detail,
        "created_at": entry.created_at,
    }
    return orjson.dumps(values, option=orjson.OPT_UTC_Z)


def _printable(line: str) -> str:
    """Return the line without what would move the cursor: details are foreign text."""
    return "".join(one if one.isprintable() else " " for one in line)
