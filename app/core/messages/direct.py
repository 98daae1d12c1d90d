"""Accepting mail as a part of somebody else's transaction, for what follows from an event or an idempotent call.

`Batcher` is for requests: it writes many in one commit. Here the mail is durable when the caller's transaction is.
"""

from collections.abc import Sequence

from sqlalchemy import literal, select

from app.core.errors import CoreError
from app.core.messages.draft import Accepted, Draft
from app.core.messages.group import number, write_group
from app.db.engine import driver_of
from app.db.sql import Connection, Sql
from app.db.unit_of_work import WriteSession

sql = Sql(__package__)


async def reserve_ids(connection: Connection, count: int) -> list[int]:
    """Return that many ids for mails and copies; what is not used is lost, which is fine.

    Args:
        connection: Of the driver.
        count: One for each mail and one for each of its recipients.
    """
    return [row["id"] for row in await sql.fetch(connection, "next_ids", count)]


async def write_drafts(
    connection: Connection, drafts: Sequence[Draft], *, default_cap: int
) -> list[Accepted | CoreError]:
    """Write mails inside the caller's transaction.

    It counts and holds rows of counters until the end of the transaction, so it belongs at its end.

    Args:
        connection: Of the driver, with a transaction begun.
        drafts: Some hundred at most.
        default_cap: Monthly quota of masters without one of their own; 0 = none. Mail of the platform itself
            (`Kind.SYSTEM`) is counted and never refused for it.

    Returns:
        For each draft what `Batcher.accept` returns, or what it raises: `StaleCaller` (also of an account that may
        not act), `QuotaExceeded` (recorded as an issue).

    Raises:
        asyncpg.PostgresError: All of it was refused.
    """
    lacking = sum(1 + len(draft.recipients) for draft in drafts if not draft.ids)
    ids = iter(await reserve_ids(connection, lacking)) if lacking else iter(())
    entries = [
        number(draft, draft.ids or tuple(next(ids) for _ in range(1 + len(draft.recipients)))) for draft in drafts
    ]
    verdicts = await write_group(connection, entries, default_cap=default_cap)
    return [verdict or entry.accepted for entry, verdict in zip(entries, verdicts, strict=True)]


async def write_draft(write: WriteSession, draft: Draft, *, default_cap: int) -> Accepted:
    """Write one mail inside a session's transaction.

    Raises:
        StaleCaller: The account has changed since the caller was read, or may not act.
        QuotaExceeded: The monthly limit would be passed.
    """
    connection = await driver_of(await write.connection())
    if not connection.is_in_transaction():
        await write.execute(select(literal(1)))  # a session's transaction begins with its own first statement
    [written] = await write_drafts(connection, [draft], default_cap=default_cap)
    if isinstance(written, CoreError):
        raise written
    return written
