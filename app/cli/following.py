"""A job done by the command that asked for it, with its progress on the terminal. Imports the core's front doors.

The command works on the job itself, so no worker need run. Broken off, the job is taken up by any worker of the
installation, or by the same command with `--job`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.suppressions import DONE, REFUSED, Place
from app.core import transfers
from app.core.errors import CoreError, NotFound
from app.core.transfers import View
from app.db.unit_of_work import WriteSession, reading, unit_of_work
from app.kit.uids import Noun, uuid

SLICE_SECONDS = 1.0
OTHERS_SECONDS = 0.5
Ask = Callable[[WriteSession, int], Awaitable[View]]
After = Callable[[AsyncEngine, View], Awaitable[None]]


def work(place: Place, ask: Ask | None, *, job: str, as_json: bool, after: After | None = None, quiet: bool) -> int:
    """Ask for a job, or go on with one, and work on it until it has ended.

    Args:
        place: Whose.
        ask: Makes the job.
        job: UUID of one to go on with; "" asks for a new one.
        as_json: How the end is told.
        after: What follows when it is done.
        quiet: Whether standard output belongs to `after`.

    Returns:
        0; 1 when it failed, was cancelled or has bad rows; 2 when there is no database to ask.
    """

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        try:
            view = await _made(engine, account_id, ask, job)
        except NotFound as error:
            print(f"There is {error}.", file=sys.stderr)
            return REFUSED
        except (CoreError, ValueError) as error:
            print(f"Refused: {error}.", file=sys.stderr)
            return REFUSED
        view = await _followed(engine, account_id, view)
        if after is not None and view.status == "done":
            await after(engine, view)
        _tell(view, as_json=as_json, quiet=quiet)
        return DONE if view.status == "done" and not view.progress.failed else REFUSED

    return place.visit(deed)


async def _made(engine: AsyncEngine, account_id: int, ask: Ask | None, job: str) -> View:
    """Return the job.

    Raises:
        ValueError: There is nothing to ask for, or the name of the job is none.
    """
    if job:
        async with reading(engine) as read:
            return await transfers.get(read, account_id, UUID(job))
    if ask is None:
        raise ValueError("nothing is asked for")
    async with unit_of_work(engine) as write:
        view = await ask(write, account_id)
    print(f"job={uuid(Noun.JOB, view.id)}", file=sys.stderr)
    return view


async def _followed(engine: AsyncEngine, account_id: int, view: View) -> View:
    """Work on the job, or watch others do, until it has ended."""
    total = view.progress.total
    with typer.progressbar(length=total or 1, file=sys.stderr, hidden=not total or not sys.stderr.isatty()) as bar:
        shown = 0
        while not transfers.has_ended(view):
            mine = await transfers.run(engine, view.id, seconds=SLICE_SECONDS)
            async with reading(engine) as read:
                view = await transfers.get(read, account_id, view.id)
            bar.update(view.progress.processed - shown)
            shown = view.progress.processed
            if bar.hidden:
                print(f"{shown} rows", file=sys.stderr)
            if not mine and not transfers.has_ended(view):
                await asyncio.sleep(OTHERS_SECONDS)
    return view


def _tell(view: View, *, as_json: bool, quiet: bool) -> None:
    progress = view.progress
    counts = {name: getattr(progress, name) for name in ("processed", "created", "updated", "skipped", "failed")}
    facts: dict[str, object] = {"job": str(uuid(Noun.JOB, view.id)), "status": view.status, "error": view.error}
    to = sys.stderr if quiet else sys.stdout
    if as_json:
        print(orjson.dumps(facts | counts).decode(), file=to)
        return
    given = {name: value for name, value in (facts | counts).items() if value is not None}
    print("\n".join(f"{name}={value}" for name, value in given.items()), file=to)
