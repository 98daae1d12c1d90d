"""What a deleted account leaves behind: its campaigns stop, its mail that waits is cancelled. Imports messages."""

import logging

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.campaigns import repository
from app.core.campaigns.runs import stop
from app.core.errors import CoreError
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work

DELETED_HOURS = 24
"""How long after its deletion an account is looked at: what is under way may come back to the queue."""
logger = logging.getLogger(__name__)


async def wind_up(engine: AsyncEngine) -> int:
    """Stop the campaigns of accounts that were deleted, and cancel their mail that waits.

    Returns:
        How many campaigns and single mails there were. Done again it finds nothing.

    Source:
        docs/contract/dyn-email.md, 6.3.
    """
    async with driver_connection(engine) as connection:
        rows = await repository.sql.fetch(connection, "of_deleted_accounts", DELETED_HOURS)
        ended = await messages.cancel_of_accounts(connection, sorted({row["account_id"] for row in rows}))
    for row in rows:
        if row["campaign_id"] is None:
            continue
        try:
            async with unit_of_work(engine) as write:
                await stop(write, row["account_id"], row["campaign_id"])
            ended += 1
        except CoreError as error:
            logger.warning("a campaign of a deleted account did not stop: %s: %s", row["campaign_id"], error)
    return ended
