"""Whom a run is for and what became of each, page by page. Uses the repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.campaigns import repository
from app.core.campaigns.values import View
from app.db.unit_of_work import ReadSession
from app.models.message import State


@dataclass(frozen=True, slots=True)
class After:
    """Behind whom a page begins.

    Attributes:
        message_id: The last copy that was listed; 0 at the beginning.
        seq: The last target without a copy that was listed; 0 before any.
    """

    message_id: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a run.

    Attributes:
        after: Where the list goes on behind it.
        contact_id: The contact.
        address: Of the recipient.
        message_id: Its copy; None as long as nobody has claimed it.
        accepted_at: Second of acceptance of the copy.
        state: Of the copy; `queued` without one.
        opened_at: First open.
        clicked_at: First click.
    """

    after: After
    contact_id: int | None
    address: str
    message_id: int | None
    accepted_at: datetime | None
    state: State
    opened_at: datetime | None
    clicked_at: datetime | None


async def recipients(
    read: ReadSession,
    view: View,
    *,
    state: State | None = None,
    opened: bool | None = None,
    clicked: bool | None = None,
    after: After | None = None,
    limit: int = 50,
) -> Sequence[Recipient]:
    """List the recipients of a campaign's latest run in the order of sending.

    Those it has not reached yet stand at the end, as long as it may still reach them. A recipient that is reached
    between two pages is not passed over.

    Args:
        read: The transaction.
        view: Of `get`; without a run there is nobody.
        state: Only copies in this state.
        opened: Only those that have been opened, or have not.
        clicked: Only those of which a link has been clicked, or none.
        after: Only what comes behind it.
        limit: How many at most.

    Source:
        docs/contract/native.md, 10.
    """
    if view.run is None:
        return []
    last = after or After()
    wanted = (str(state) if state is not None else None, opened, clicked, limit)
    # Few copies are opened, and fewer are in any state but one: the statement that begins at the rarer ones is taken.
    if (opened or clicked) and state in {None, State.DELIVERED}:
        rows = await repository.sql.rows(read, "recipients_engaged", view.run.id, last.message_id, *wanted)
    else:
        rows = await repository.sql.rows(read, "recipients", view.run.id, last.message_id, last.seq, *wanted)
    found: list[Recipient] = []
    for row in rows:
        last = After(row.message_id or last.message_id, row.seq or last.seq)
        found.append(
            Recipient(
                last,
                row.contact_id,
                row.address,
                row.message_id,
                row.accepted_at,
                State(row.state),
                row.opened_at,
                row.clicked_at,
            )
        )
    return found
