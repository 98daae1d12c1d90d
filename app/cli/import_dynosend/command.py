"""`trireme import dynosend`: options in, summary out. Imports its siblings and the other commands' ways."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.import_dynosend.importing import Importing, Notes
from app.cli.import_dynosend.server import Server, SourceFailed
from app.cli.suppressions import Place

DONE, BROKEN_OFF, CANNOT_BEGIN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed."""

    data_dir: Path
    url: str
    token: str
    account: str
    dry_run: bool
    as_json: bool


class PagesFile:
    """Pages that are done, in a file that outlives a kill; "" keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, if it is there."""
        self._path = path
        self._done: dict[str, int] = {}
        if path is not None and path.is_file():
            found = orjson.loads(path.read_bytes())
            self._done = {str(uid): int(page) for uid, page in found.items()}

    def next_page(self, uid: str) -> int:
        """Return the first page of an audience that is not done."""
        return self._done.get(uid, 0) + 1

    def done(self, uid: str, page: int) -> None:
        """Note that a page is in the database."""
        self._done[uid] = page
        if self._path is not None:
            new = self._path.with_suffix(".new")
            new.write_bytes(orjson.dumps(self._done))
            new.replace(self._path)

    def forget(self) -> None:
        """Remove the file: another import begins anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def run(options: Options) -> int:
    """Import and print a summary.

    Returns:
        0; 1 when it was broken off, and goes on where it was when it is begun again; 2 when it can't begin.
    """
    if not options.url or not options.token:
        print("Give --from and --token.", file=sys.stderr)
        return CANNOT_BEGIN
    notes = Notes()
    pages = PagesFile(None if options.dry_run else _path(options))

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        try:
            async with Server(options.url, options.token) as server:
                importing = Importing(engine, account_id, server, pages, notes, dry_run=options.dry_run, say=_say)
                await importing.run()
        except SourceFailed as error:
            print(f"Broken off: {error}. Run it again to go on.", file=sys.stderr)
            return BROKEN_OFF
        pages.forget()
        _print(notes, options)
        return DONE

    return Place(options.data_dir, options.account).visit(deed)


def _path(options: Options) -> Path:
    options.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    words = f"{options.url}\0{options.token}\0{options.account}"
    return options.data_dir / f"import-dynosend-{hashlib.sha256(words.encode()).hexdigest()[:16]}.json"


def _say(line: str) -> None:
    print("".join(one if one.isprintable() else " " for one in line), file=sys.stderr, flush=True)


def _print(notes: Notes, options: Options) -> None:
    counts = dict(sorted(notes.counts.items()))
    if options.as_json:
        summary = {"dry_run": options.dry_run, "counts": counts, "warnings": notes.warnings}
        print(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
        return
    for warning in notes.warnings:
        _say(f"warning: {warning}")
    print("\n".join(f"{name}={count}" for name, count in counts.items()))
