"""Whether the ledger, the queue and the counters agree: `trireme audit`. Imports the core's front doors."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.asking import settings_for_asking
from app.cli.configuration import NotConfigured
from app.core import accounts, audit
from app.core.audit import Difference, Report, Scope
from app.db.engine import driver_connection, make_engine
from app.db.unit_of_work import reading
from app.kit.uids import Noun, number_of_uid
from app.settings import Settings

STATEMENT_SECONDS = 3600.0
"""How long one comparison may take: seconds per million copies are usual."""
AGREES, DIFFERS, CANNOT_LOOK = 0, 1, 2
NO_ANSWER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, TimeoutError)
COLUMNS = ("what", "where", "counted", "stored")


class Unknown(Exception):
    """What was named does not exist."""


def run(data_dir: Path, *, account: str, run_uid: str, since: date | None) -> int:
    """Print every difference and `differences=<n>`; return 0 without one, 1 with some, 2 when it can't look."""
    try:
        settings = settings_for_asking(data_dir, statement_seconds=STATEMENT_SECONDS)
        report = asyncio.run(_ask(settings, account, run_uid, since))  # noqa: TID251 a command owns its loop
    except (NotConfigured, Unknown) as error:
        print(error, file=sys.stderr)
        return CANNOT_LOOK
    except NO_ANSWER as error:
        print(f"The database gave no answer: {error!r}", file=sys.stderr)
        return CANNOT_LOOK
    _print_table(report.shown)
    if report.total > len(report.shown):
        print(f"... and {report.total - len(report.shown)} more")
    print(f"runs={report.runs}")
    print(f"differences={report.total}")
    return DIFFERS if report.total else AGREES


async def account_id_of(engine: AsyncEngine, username: str) -> int | None:
    """Return the account of that user name; None for "", which means all.

    Raises:
        Unknown: There is none.
    """
    if not username:
        return None
    async with reading(engine) as read:
        found = await accounts.find_by_username(read, username)
    if found is None:
        raise Unknown(f"There is no account {username}.")
    return found.id


async def _ask(settings: Settings, account: str, run_uid: str, since: date | None) -> Report:
    holds = settings.delivery.in_doubt == "hold"
    scope = Scope.from_day(since, holds=holds) if since else Scope.recent(datetime.now(UTC), holds=holds)
    run_id = number_of_uid(Noun.RUN, run_uid.lower()) if run_uid else None
    unknown_run = Unknown(f"There is no run {run_uid}.")
    if run_uid and run_id is None:
        raise unknown_run
    engine = make_engine(settings, pool_size=1)
    try:
        account_id = await account_id_of(engine, account)
        async with driver_connection(engine) as connection:
            report = await audit.check(connection, scope.only(account_id=account_id, run_id=run_id))
    finally:
        await engine.dispose()
    if run_id is not None and not report.runs:
        raise unknown_run
    return report


def _print_table(differences: Sequence[Difference]) -> None:
    if not differences:
        return
    rows = [COLUMNS, *((one.what, one.where, one.counted, one.stored) for one in differences)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    print()
