"""A campaign's buttons for operators: `trireme campaign start|pause|resume|stop|status UID`, for every account's.

Imports the core's front doors.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import asyncpg
import orjson
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.asking import settings_for_asking
from app.cli.configuration import NotConfigured, is_given
from app.cli.state import DataDirectory
from app.core import campaigns
from app.core.campaigns import Progress, View
from app.core.errors import CoreError, NotFound
from app.db.engine import make_engine
from app.db.unit_of_work import Publisher, unit_of_work
from app.queue import JobQueue
from app.settings import Settings

Verb = Literal["start", "pause", "resume", "stop", "status"]
STATEMENT_SECONDS = 60.0
LOOK_SECONDS = 1.0
DONE, REFUSED, CANNOT_LOOK = 0, 1, 2
_UNDER_WAY = {"scheduled", "queued", "sending", "paused"}
_NO_ANSWER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, TimeoutError)


def run(data_dir: Path, verb: Verb, uid: str, *, as_json: bool = False) -> int:
    """Do it and print where the campaign stands; return 0, 1 when it is refused, 2 when there is no database to ask."""
    try:
        settings = settings_for_asking(data_dir, statement_seconds=STATEMENT_SECONDS)
        lines = asyncio.run(_act(settings, verb, uid, _broker(data_dir)))  # noqa: TID251 a command owns its loop
    except NotConfigured as error:
        print(error, file=sys.stderr)
        return CANNOT_LOOK
    except NotFound:
        print(f"There is no campaign {uid}.", file=sys.stderr)
        return REFUSED
    except CoreError as error:
        print(f"Refused: {error}.", file=sys.stderr)
        return REFUSED
    except _NO_ANSWER as error:
        print(f"The database gave no answer: {error!r}", file=sys.stderr)
        return CANNOT_LOOK
    print(_as_json(lines) if as_json else "\n".join(lines))
    return DONE


def send(data_dir: Path, uid: str, *, seconds: float, as_json: bool) -> int:
    """Start a campaign and look until it has ended; return what `run` does, and 1 when the time is over before."""
    status = run(data_dir, "start", uid, as_json=as_json)
    deadline = time.monotonic() + seconds
    while status == DONE and seconds:
        try:
            settings = settings_for_asking(data_dir, statement_seconds=STATEMENT_SECONDS)
            lines = asyncio.run(_act(settings, "status", uid, ""))  # noqa: TID251 a command owns its loop
        except (*_NO_ANSWER, CoreError) as error:
            print(f"The database gave no answer: {error!r}", file=sys.stderr)
            return CANNOT_LOOK
        state = next(line for line in lines if line.startswith("state=")).removeprefix("state=")
        if state not in _UNDER_WAY or time.monotonic() > deadline:
            print(_as_json(lines) if as_json else "\n".join(lines))
            return DONE if state == "done" else REFUSED
        time.sleep(LOOK_SECONDS)
    return status


def _as_json(lines: Sequence[str]) -> str:
    """Return lines of name=value as one JSON object; what comes again makes a list."""
    facts: dict[str, object] = {}
    for line in lines:
        name, _, value = line.partition("=")
        if name == "missing":
            facts[name] = [*cast("list[str]", facts.get(name, [])), value]
        else:
            facts[name] = int(value) if value.isdecimal() else value or None
    return orjson.dumps(facts).decode()


def _broker(data_dir: Path) -> str:
    """Return where nudges go; "" when nobody says, and then the scheduler finds the work a few seconds later."""
    return "" if is_given("broker_url") else str(DataDirectory(data_dir).runtime().get("broker_url", ""))


async def _act(settings: Settings, verb: Verb, uid: str, broker_url: str) -> Sequence[str]:
    if broker_url:
        settings = settings.model_copy(update={"broker_url": broker_url})
    queue = JobQueue(settings) if verb != "status" and (broker_url or is_given("broker_url")) else None
    engine = make_engine(settings, pool_size=2)
    try:
        if queue is not None:
            queue.start()
        if verb != "status":
            await _press(engine, queue, settings, verb, uid)
        return await _status(engine, uid)
    finally:
        if queue is not None:
            await asyncio.to_thread(queue.close)
        await engine.dispose()


async def _press(
    engine: AsyncEngine,
    queue: Publisher | None,
    settings: Settings,
    verb: Literal["start", "pause", "resume", "stop"],
    uid: str,
) -> None:
    cap = settings.quota.default_monthly
    async with unit_of_work(engine, queue) as write:
        account_id = await campaigns.account_of(write, uid.lower())
        match verb:
            case "start":
                await campaigns.start(write, account_id, uid.lower(), default_cap=cap)
            case "pause":
                await campaigns.pause(write, account_id, uid.lower())
            case "resume":
                await campaigns.resume(write, account_id, uid.lower(), default_cap=cap)
            case "stop":
                await campaigns.stop(write, account_id, uid.lower())


async def _status(engine: AsyncEngine, uid: str) -> list[str]:
    async with unit_of_work(engine) as write:
        account_id = await campaigns.account_of(write, uid.lower())
        view = await campaigns.get(write, account_id, uid.lower())
        progress = await campaigns.progress(write, account_id, view.run.id) if view.run else None
        missing = () if view.run else await campaigns.missing(write, view.campaign)
    return _lines(view, progress, [f"{fault.field} {fault.message}" for fault in missing])


def _lines(view: View, progress: Progress | None, missing: Sequence[str]) -> list[str]:
    lines = [f"name={view.campaign.name}", f"state={view.state}"]
    lines += [f"missing={sentence}" for sentence in missing]
    if view.run is None or progress is None:
        return lines
    if view.run.start_at is not None:
        lines.append(f"start_at={view.run.start_at.isoformat()}")
    if progress.error:
        lines.append(f"error={progress.error}")
    total = "" if progress.total is None else str(progress.total)
    lines += [f"total={total}", f"reached={progress.reached}", f"remaining={progress.remaining}"]
    names = (
        "delivered", "hard_bounces", "soft_bounces", "blocked", "failed", "cancelled", "unreached", "waiting",
        "under_way", "deferrals",
    )  # fmt: skip
    lines += [f"{name}={getattr(progress, name)}" for name in names]
    lines.append(f"per_minute={progress.per_minute:.0f}")
    return lines
