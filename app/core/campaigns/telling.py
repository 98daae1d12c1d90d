"""What a verb makes true, told to the outbox in the same transaction; the engine's statements tell by themselves.

`data` of an event names the campaign and the run by their numbers: `campaign_id`, `run_id`, and what else there is.
Imports the front door of events.

Source: docs/contract/native.md, 12.
"""

from datetime import UTC, datetime

from app.core import events
from app.core.events import EventType
from app.db.unit_of_work import WriteSession
from app.models.run import Run


async def tell(write: WriteSession, run: Run, type: EventType) -> None:  # noqa: A002 the word for it
    """Write the event of a verb on a run."""
    await events.emit(write, run.account_id, type, data={"campaign_id": run.campaign_id, "run_id": run.id})


async def tell_scheduled(write: WriteSession, run: Run, at: datetime) -> None:
    """Write that a run has got its time."""
    when = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {"campaign_id": run.campaign_id, "run_id": run.id, "send_at": when}
    await events.emit(write, run.account_id, EventType.CAMPAIGN_SCHEDULED, data=data)
