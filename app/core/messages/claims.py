"""Claiming copies for delivery, and taking over from processes that are gone.

A copy that is not finished is always in the queue or in exactly one lease; both change in one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.sql import Connection, Sql
from app.models.message import Kind

sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Owner:
    """A delivery process.

    Attributes:
        host: Id of its data directory, where its journal is.
        incarnation: Anew at each start; names the journal.
    """

    host: str
    incarnation: UUID


@dataclass(slots=True, eq=False)
class Copy:
    """A claimed copy, to be attempted once and recorded, or released. Not changed after it was made.

    Attributes:
        lease_id: The claim.
        message_id: Its id in the ledger.
        accepted_at: Second of its acceptance; its partition.
        accepted_ms: Milliseconds within that second.
        lane: Where it goes when it is tried again.
        attempt: Number of this attempt, from 1.
        account_id: Owner.
        sender_id: Sender.
        size: Octets, near enough.
        kind: What made it.
        recipient: Envelope recipient.
        possible_duplicate: Whether an earlier attempt is in doubt.
        suppressed: Why it must not be sent any more, None when it may.
        mail_id: Its content, of a single mail.
        run_id: The run that made it, None for a single mail; only then the rest is set.
        epoch: Of the run when it was claimed.
        content_version: What it says.
        contact_id: Whom it is for.
        fields: Values of the contact by tag; "@" is the audience that supplied it.
        test_mode: Whether mail of its account never leaves, as it stood when it was claimed.
    """

    lease_id: int
    message_id: int
    accepted_at: datetime
    accepted_ms: int
    lane: int
    attempt: int
    account_id: int
    sender_id: int
    size: int
    kind: Kind
    recipient: str
    possible_duplicate: bool
    suppressed: str | None
    mail_id: int = 0
    run_id: int | None = None
    epoch: int = 0
    content_version: int = 0
    contact_id: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    test_mode: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What all copies of a mail share.

    Attributes:
        mail_id: Its id.
        accepted_at: Second of acceptance.
        account_id: Owner.
        headers: Header lines in order, Unicode.
        text: Text body.
        html: HTML body.
        tracking: What its copies report: the sum of `app.mail.tracked.Tracks`.
        links: Where its tracked links lead, by link number.
        raw: The whole mail where it came whole; None for others.
    """

    mail_id: int
    accepted_at: datetime
    account_id: int
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    tracking: int = 0
    links: tuple[str, ...] = ()
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A lease that may have lost its owner.

    Attributes:
        lease_id: The lease.
        owner: Who holds it.
    """

    lease_id: int
    owner: Owner


@dataclass(frozen=True, slots=True)
class Undone:
    """A copy of a lease that was taken over, without a recorded outcome.

    Attributes:
        lease_id: The new lease.
        message_id: The copy.
        accepted_at: Its partition.
        attempt: The attempt that was claimed.
        lane: Its lane.
    """

    lease_id: int
    message_id: int
    accepted_at: datetime
    attempt: int
    lane: int


async def claim_due(connection: Connection, owner: Owner, *, limit: int, lease_seconds: float) -> list[Copy]:
    """Take due single mails from the queue, the most urgent first; durable when it returns.

    Args:
        connection: Outside of a transaction: the statement is one.
        owner: Who claims.
        limit: Most copies to take.
        lease_seconds: How long the claim is good without being renewed.
    """
    rows = await sql.fetch(connection, "claim_due", owner.host, owner.incarnation, limit, lease_seconds)
    return [Copy(**{**row, "kind": Kind(row["kind"])}) for row in rows]


async def contents(connection: Connection, mails: Iterable[tuple[int, datetime]]) -> list[Content]:
    """Return the contents of mails, given by id and second of acceptance; unknown ones are left out."""
    wanted = list(mails)
    rows = await sql.fetch(connection, "mails_by_id", [mail[0] for mail in wanted], [mail[1] for mail in wanted])
    return [
        Content(
            mail_id=row["id"],
            accepted_at=row["accepted_at"],
            account_id=row["account_id"],
            headers=tuple((name, value) for name, value in row["headers"]),
            text=row["text"],
            html=row["html"],
            tracking=row["tracking"],
            links=tuple(row["links"] or ()),
            raw=row["raw"],
        )
        for row in rows
    ]


async def renew_leases(connection: Connection, owner: Owner, *, lease_seconds: float) -> dict[int, float]:
    """Keep everything the process has claimed; return its leases with their age in seconds."""
    rows = await sql.fetch(connection, "renew_leases", owner.incarnation, lease_seconds)
    return {row["id"]: row["age_seconds"] for row in rows}


async def release(
    connection: Connection, lease_id: int, message_ids: Sequence[int], *, after_seconds: float | Sequence[float] = 0.0
) -> int:
    """Give copies that were not begun back to the queue, to be claimed again some time from now.

    Args:
        connection: Outside of a transaction: the statement is one.
        lease_id: The claim.
        message_ids: Copies of it.
        after_seconds: Not before so long from now; one for all, or one for each.

    Returns:
        How many are there again.
    """
    ids = list(message_ids)
    after = [after_seconds] * len(ids) if isinstance(after_seconds, int | float) else list(after_seconds)
    return len(await sql.fetch(connection, "release", lease_id, ids, after))


async def end_leases(connection: Connection, lease_ids: Sequence[int]) -> None:
    """Forget leases whose every copy has been recorded or released."""
    await sql.execute(connection, "end_leases", list(lease_ids))


async def orphaned_leases(connection: Connection, owner: Owner, *, grace_seconds: float) -> list[Orphan]:
    """Return leases of other processes on this host, and of other hosts whose lease has ended for so long.

    Whether a process of this host lives is for the caller to find out (by its journal's lock).
    """
    rows = await sql.fetch(connection, "orphaned_leases", owner.host, owner.incarnation, grace_seconds)
    return [Orphan(row["id"], Owner(row["host"], row["incarnation"])) for row in rows]


async def take_over(connection: Connection, orphan: Orphan, owner: Owner, *, lease_seconds: float) -> list[Undone]:
    """Take a lease from an owner that is gone; empty when another was first or nothing is left to do."""
    rows = await sql.fetch(
        connection,
        "take_over_lease",
        orphan.lease_id,
        orphan.owner.incarnation,
        owner.host,
        owner.incarnation,
        lease_seconds,
    )
    return [Undone(**row) for row in rows]
