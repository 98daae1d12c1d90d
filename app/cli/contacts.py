"""Contacts of an installation as files: `trireme contacts import|export`. Imports the core's front doors."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli import following
from app.cli.suppressions import REFUSED, Place
from app.core import audiences, transfers
from app.core.contacts import ContactStatus
from app.core.errors import NotFound
from app.core.segments import ContactFilter
from app.core.transfers import ImportOptions, View
from app.db.unit_of_work import ReadSession, WriteSession

MAX_SHOWN = 100
"""Bad rows that are shown; the API has the others."""
MAX_SAID = 100
"""Characters of a foreign name that a message repeats."""
UID_LENGTH = 13


def import_file(place: Place, file: str, *, audience: str, job: str, options: ImportOptions, as_json: bool) -> int:
    """Import a CSV file, or go on with a job; return 0, 1 when it fails or has bad rows, 2 without a database."""
    if not job and not (file and audience):
        print("Give a file and --audience, or --job.", file=sys.stderr)
        return REFUSED
    with ExitStack() as stack:
        source: BinaryIO | None = None
        if not job:
            try:
                source = stack.enter_context(Path(file).open("rb"))
            except OSError as error:
                print(error, file=sys.stderr)
                return REFUSED
            if os.fstat(source.fileno()).st_size > transfers.MAX_FILE:
                print("The file is larger than 200 MB: split it.", file=sys.stderr)
                return REFUSED
        rows = _rows(source) if source is not None else None

        async def ask(write: WriteSession, account_id: int) -> View:
            assert source is not None  # noqa: S101 without a job there is a file
            audience_id = await _audience_id(write, account_id, audience)
            return await transfers.import_contacts(write, account_id, audience_id, source, options, rows=rows)

        return following.work(place, ask, job=job, as_json=as_json, after=_show_bad, quiet=False)


def export(
    place: Place,
    output: Path | None,
    *,
    audience: str,
    form: str,
    status: str,
    columns: Sequence[str],
    as_json: bool,
) -> int:
    """Write contacts to a file or standard output; return 0, 1 when it is refused, 2 without a database."""

    async def ask(write: WriteSession, account_id: int) -> View:
        wanted = ContactFilter(status=ContactStatus(status) if status else None)
        audience_id = await _audience_id(write, account_id, audience)
        return await transfers.export_contacts(
            write, account_id, audience_id, wanted, form=form, columns=columns or None
        )

    async def write_out(engine: AsyncEngine, view: View) -> None:
        with ExitStack() as stack:
            to: BinaryIO = stack.enter_context(output.open("wb")) if output else sys.stdout.buffer
            async for data in transfers.result(engine, view):
                to.write(data)
            to.flush()

    return following.work(place, ask, job="", as_json=as_json, after=write_out, quiet=output is None)


def mapping_of(text: str) -> dict[str, str] | None:
    """Return a mapping that was given as a JSON object; None for "".

    Raises:
        ValueError: It is none.
    """
    if not text:
        return None
    found = orjson.loads(text)
    if not isinstance(found, dict) or not all(isinstance(tag, str) for tag in found.values()):
        raise ValueError("--mapping is not a JSON object of texts")
    return found


async def _audience_id(read: ReadSession, account_id: int, text: str) -> int:
    """Return the id of the audience that the command line names by any name the native API shows.

    Args:
        read: The transaction.
        account_id: Whose.
        text: Its id (a UUID), its uid of 13 hexadecimal digits, or its number.

    Raises:
        NotFound: The account has no such audience; the message repeats the name.
    """
    which: int | str | UUID
    try:
        # A uid may consist of decimal digits alone; numbers are shorter for any table that fits a disk.
        which = text.lower() if len(text) == UID_LENGTH else int(text) if text.isdecimal() else UUID(text)
        return (await audiences.get(read, account_id, which)).id
    except (NotFound, ValueError):
        shown = ascii(text[:MAX_SAID])
        raise NotFound(f"no audience {shown} in this account: give its id (a UUID), its uid or its number") from None


async def _show_bad(engine: AsyncEngine, view: View) -> None:
    if not view.progress.failed:
        return
    shown = 0
    async for data in transfers.errors(engine, view):
        for line in data.decode().splitlines():
            if shown > MAX_SHOWN:
                return
            print(line, file=sys.stderr)
            shown += 1


def _rows(file: BinaryIO) -> int | None:
    """Return how many rows a file has behind its first, when no value can hold a line end."""
    lines, last = 0, b"\n"
    while block := file.read(1 << 20):
        if b'"' in block:
            return None
        lines, last = lines + block.count(b"\n"), block[-1:]
    return max(lines - 1 + (last != b"\n"), 0)
