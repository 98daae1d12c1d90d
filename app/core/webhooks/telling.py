"""Which events are written to the outbox for webhooks alone: `accounts.told_events`. Imports events' front door and db.

The statements that record them look at that column, so an account without such a webhook pays nothing.
"""

from collections.abc import Sequence

from app.core.errors import Fault, FieldFault, Invalid
from app.core.events import TYPES
from app.db.sql import Connection, Sql
from app.db.unit_of_work import WriteSession

ON_DEMAND = (
    "email.accepted",
    "email.blocked",
    "email.clicked",
    "email.deferred",
    "email.delivered",
    "email.opened",
    "email.refused",
)
"""All other types are always written."""
MAX_TYPES = 50
"""Names in one webhook."""
_PATTERNS = frozenset({"*", *TYPES, *(f"{one.partition('.')[0]}.*" for one in TYPES)})
_SQL = Sql(__package__ or "")


def clean_types(given: Sequence[str]) -> list[str]:
    """Return the names of a webhook, each once.

    Args:
        given: Names of events, `email.*` and the like, or `*`.

    Raises:
        Invalid: There is none, or one that no event has.
    """
    if not given:
        raise Invalid([FieldFault("event_types", Fault.REQUIRED, "is required")])
    if len(given) > MAX_TYPES:
        raise Invalid([FieldFault("event_types", Fault.TOO_LONG, f"has more than {MAX_TYPES} names")])
    for number, name in enumerate(given):
        if name not in _PATTERNS:
            raise Invalid([FieldFault(f"event_types.{number}", Fault.INVALID, "is not a type of events")])
    return list(dict.fromkeys(given))


async def hold_account(write: WriteSession, account_id: int) -> None:
    """Let nobody else change the webhooks of an account until the end of the transaction."""
    await _SQL.rows(write, "hold_account", account_id)


async def retell(write: WriteSession, account_id: int) -> None:
    """Write down which events the webhooks of an account want, after they were changed under `hold_account`."""
    await write.flush()
    await _SQL.rows(write, "retell", account_id, list(ON_DEMAND))


async def disable(connection: Connection, account_id: int, webhook_ids: Sequence[int]) -> None:
    """Disable webhooks of an account, in a transaction of its own: nothing more is put in for them.

    Args:
        connection: The driver's, in no transaction.
        account_id: Whose.
        webhook_ids: Which.
    """
    async with connection.transaction():
        await _SQL.execute(connection, "hold_account", account_id)
        await _SQL.execute(connection, "disable", list(webhook_ids))
        await _SQL.execute(connection, "retell", account_id, list(ON_DEMAND))
