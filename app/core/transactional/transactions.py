"""One content to many recipients at once, a mail of its own for each: checked, rendered and written. Imports messages.

Nothing of it is stored beside the mails themselves. All of it is durable, or nothing is.

Source: docs/contract/dyno.md, 9.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import messages
from app.core.accounts import Caller
from app.core.errors import CoreError, Fault, FieldFault, Invalid
from app.core.jobs import DrainQueue
from app.core.messages import Draft, IssueDraft, Lane, Tracking
from app.core.transactional.merging import Merged, Recipient, merge
from app.db.engine import driver_of
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.kit.clock import second
from app.mail.addresses import Mailbox
from app.models.issue import IssueType
from app.models.message import Kind

INVALID_ADDRESS = "email_list contains an invalid address"
"""What an issue says of a recipient that was left out."""
sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is to be sent.

    Attributes:
        html: With merge fields, as subject and preheader.
        subject: May be empty.
        preheader: A hidden line at the top of the HTML; empty: none.
        from_name: Display name of the sender; empty: none.
        recipients: Valid ones, each address once.
        invalid: What was given and is no address.
    """

    html: str
    subject: str
    preheader: str
    from_name: str
    recipients: tuple[Recipient, ...]
    invalid: tuple[str, ...] = ()

    @property
    def issues(self) -> tuple[IssueDraft, ...]:
        """What is recorded of the invalid ones."""
        return tuple(IssueDraft(IssueType.INVALID_RECIPIENT, text, INVALID_ADDRESS) for text in self.invalid)


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of it.

    Attributes:
        accepted_at: Second of acceptance.
        accepted: Addresses that get a mail, in the order they were given.
        suppressed: Addresses whose mail was blocked.
    """

    accepted_at: datetime
    accepted: tuple[str, ...]
    suppressed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class From:
    """An approved sender."""

    sender_id: int
    email: str


async def sender_of(write: WriteSession, account_id: int, email: str) -> From:
    """Return the account's approved sender of an address, ignoring case; of an empty one its first.

    Raises:
        Invalid: `from_email` is not approved, or missing and there is none.
    """
    rows = await sql.rows(write, "sender_of", account_id, email.lower())
    if rows:
        return From(rows[0].id, email or rows[0].email)
    fault = (Fault.NOT_APPROVED, "is not an approved sender") if email else (Fault.REQUIRED, "is required")
    raise Invalid([FieldFault("from_email", *fault)])


async def dispatch(
    write: WriteSession,
    caller: Caller,
    sender: From,
    transaction: Transaction,
    *,
    public_url: str,
    received_at: datetime,
    default_cap: int,
) -> Dispatched:
    """Write a mail for each recipient; a suppressed one's is blocked. It belongs at the end of the transaction.

    Args:
        write: The transaction.
        caller: Whose mail it is; its switches say what is tracked.
        sender: Of `sender_of`.
        transaction: What is to be sent.
        public_url: The setting of that name.
        received_at: When it was asked for; becomes the acceptance.
        default_cap: Monthly limit of masters without one of their own; 0 = none.

    Raises:
        Invalid: `html`, `subject` or `preheader` is malformed or too long.
        StaleCaller: The account has changed since the caller was read.
        QuotaExceeded: The monthly limit would be passed; nothing was written.
    """
    merged = await asyncio.to_thread(
        merge,
        transaction.recipients,
        subject=transaction.subject,
        html=transaction.html,
        preheader=transaction.preheader,
        at=received_at,
    )
    drafts = [
        Draft(
            caller=caller,
            sender_id=sender.sender_id,
            from_address=sender.email,
            kind=Kind.TRANSACTION,
            lane=Lane.URGENT,
            headers=_headers(transaction, sender, one),
            text=one.text,
            html=one.html,
            recipients=(one.recipient.mailbox.address,),
            x_headers=None,
            issues=() if position else transaction.issues,
            received_at=received_at,
            tracking=tracked.tracking,
            links=tracked.links,
        )
        for position, (one, tracked) in enumerate(await _tracked(caller, merged, public_url))
    ]
    return await _written(write, drafts, received_at, default_cap)


def _headers(transaction: Transaction, sender: From, one: Merged) -> tuple[tuple[str, str], ...]:
    return (
        ("From", Mailbox(transaction.from_name, sender.email).header_text()),
        ("To", one.recipient.mailbox.header_text()),
        ("Subject", one.subject),
    )


async def _tracked(caller: Caller, merged: Sequence[Merged], public_url: str) -> list[tuple[Merged, Tracking]]:
    """Return each mail with what it reports; equal contents are looked at once."""
    known: dict[str, Tracking] = {}
    for one in merged:
        if one.html not in known:
            known[one.html] = await messages.tracking_of(caller, headers=(), html=one.html, public_url=public_url)
            await asyncio.sleep(0)  # a thousand different contents are arithmetic for a while: others have their turn
    return [(one, known[one.html]) for one in merged]


async def _written(write: WriteSession, drafts: Sequence[Draft], received_at: datetime, default_cap: int) -> Dispatched:
    """Write the mails and tell whose were blocked.

    Raises:
        StaleCaller, QuotaExceeded: As `dispatch`.
    """
    connection = await driver_of(await write.connection())
    written = await messages.write_drafts(connection, drafts, default_cap=default_cap)
    ids: list[int] = []
    for one in written:
        if isinstance(one, CoreError):
            raise one
        ids += one.message_ids
    accepted_at = second(received_at)
    blocked = {row.id for row in await sql.rows(write, "blocked_of", ids, accepted_at)}
    write.enqueue(DrainQueue())
    addresses = list(zip(ids, (draft.recipients[0] for draft in drafts), strict=True))
    return Dispatched(
        accepted_at,
        tuple(address for id_, address in addresses if id_ not in blocked),
        tuple(address for id_, address in addresses if id_ in blocked),
    )
