"""The verbs of the audit: each looks at one snapshot and changes nothing. Imports db."""

from app.core.audit import identity, recount
from app.core.audit.values import MOST_SHOWN, Report, Scope
from app.db.sql import Connection, Sql

sql = Sql(__package__)


async def check_identity(connection: Connection, scope: Scope) -> Report:
    """Check the ledger identity of runs, and that each unfinished copy is in one place.

    Args:
        connection: Outside of a transaction: the check takes one snapshot of its own, and no lock that a reader or a
            writer would notice.
        scope: What is looked at.

    Raises:
        asyncpg.PostgresError, OSError, TimeoutError: It can't look.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await sql.fetch(connection, "for_the_audit")
        return await _runs(connection, scope, counters=False) + await identity.of_waiting(connection, scope)


async def check(connection: Connection, scope: Scope) -> Report:
    """Check the ledger identity, and all counters against a recount of what they are made of.

    Args:
        connection: As for `check_identity`; statements take seconds per million copies.
        scope: What is looked at.

    Raises:
        asyncpg.PostgresError, OSError, TimeoutError: It can't look.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await sql.fetch(connection, "for_the_audit")
        report = await _runs(connection, scope, counters=True)
        report += await identity.of_waiting(connection, scope)
        if scope.run_id is None:
            report += await recount.of_senders(connection, scope)
            report += await recount.of_packed(connection, scope)
            report += await recount.of_packed_days(connection, scope)
            report += await recount.of_packed_hours(connection, scope)
            report += await recount.of_seconds(connection, scope)
            report += await recount.of_audiences(connection, scope)
    return report


async def _runs(connection: Connection, scope: Scope, *, counters: bool) -> Report:
    report = Report()
    async for page in identity.runs(connection, scope):
        found = identity.of_runs(page)
        if counters:
            found += await recount.of_runs(connection, page)
        report += Report(len(found), tuple(found[: max(0, MOST_SHOWN - len(report.shown))]), len(page))
    return report
