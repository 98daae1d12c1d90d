"""Sending a stored message inside the caller's own transaction. Imports messages' front door.

Source: docs/contract/native.md, 11.
"""

from dataclasses import dataclass
from datetime import datetime

from app.core import messages
from app.core.jobs import DrainQueue
from app.core.messages import Author
from app.core.transactional.checking import Sending
from app.core.transactional.rendering import Site
from app.core.transactional.sending import prepare
from app.db.unit_of_work import WriteSession
from app.models.transactional_message import TransactionalMessage


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that is durable once the transaction has committed.

    Attributes:
        message_id: Its copy.
        accepted_at: Second of its acceptance.
        contact_id: The recipient, a contact of the message's audience.
    """

    message_id: int
    accepted_at: datetime
    contact_id: int | None


async def send(
    write: WriteSession,
    author: Author,
    message: TransactionalMessage,
    sending: Sending,
    *,
    site: Site,
    received_at: datetime,
    default_cap: int = 0,
) -> Sent:
    """Write the mail a call makes, with its contact, as a part of the caller's transaction.

    It holds rows of counters, so it belongs at the end of the transaction. Arguments and errors are those of `prepare`.

    Raises:
        Invalid: As `prepare` has it.
        Conflict: As `prepare` has it.
        StaleCaller: The account has changed since the caller was read, or may not act.
        QuotaExceeded: The monthly limit would be passed.
    """
    draft = await prepare(write, author, message, sending, site=site, received_at=received_at, default_cap=default_cap)
    await write.flush()
    accepted = await messages.write_draft(write, draft, default_cap=default_cap)
    write.enqueue(DrainQueue())
    return Sent(accepted.message_ids[0], accepted.accepted_at, draft.contact_id)
