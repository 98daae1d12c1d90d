"""The only verbs that change the suppression list, and what follows for contacts. Imports suppressions' front door.

Entries are held before contacts, and both in one order, so that these verbs wait for each other and never for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.core import suppressions
from app.core.contacts.values import address_of
from app.core.suppressions import NewEntry, Reason
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession

_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What became of addresses that were to be suppressed, each once, sorted.

    Attributes:
        added: Their entries were made, or have replaced an `unsubscribe`.
        existing: Their entries stay as they were.
    """

    added: list[str]
    existing: list[str]


async def suppress(
    write: WriteSession,
    account_id: int,
    addresses: Iterable[str],
    reason: Reason,
    *,
    detail: str = "",
    source: tuple[int, datetime] | None = None,
    contact_id: int | None = None,
) -> Suppressed:
    """Put addresses on the account's list, for the contacts too; bounces and complaints also mark the addresses.

    The first reason and time stay, except that any other reason replaces `unsubscribe`. Contacts of these addresses
    that were subscribed or unconfirmed become unsubscribed by the reason `unsubscribe` and blacklisted by any other.
    If an address is on the list for something worse and its owner unsubscribes, its blacklisted contacts will be
    unsubscribed when the entry goes.

    Args:
        write: The transaction.
        account_id: Whose list.
        addresses: Checked ones; doubles count once.
        reason: Why.
        detail: What to show beside the reason; cut after 1000 characters.
        source: Message id and acceptance of the copy that caused it.
        contact_id: The contact whose campaign mail was complained about; it becomes spam-reported.

    Raises:
        Invalid: One of them is no e-mail address; nothing is changed.

    Source:
        docs/contract/dyn-email.md, 16.
    """
    keys = sorted({address_of(address) for address in addresses})
    entries = [NewEntry(key, reason, detail) for key in keys]
    complaining = contact_id if reason is Reason.COMPLAINT else None
    return await _enter(write, account_id, entries, source=source, complaining=complaining, tells=True)


async def suppress_many(write: WriteSession, account_id: int, entries: Sequence[NewEntry]) -> Suppressed:
    """Take over entries of another list with their reasons and times, by the rules of `suppress`.

    Of several for one address the first counts, except that any other reason replaces `unsubscribe`. Nothing is told:
    to those who follow the events an import of a million entries is one event, which its job writes.

    Args:
        write: The transaction; some thousand entries are good for one.
        account_id: Whose list.
        entries: In order.

    Raises:
        Invalid: One of them has no e-mail address; nothing is changed.
    """
    kept: dict[str, NewEntry] = {}
    for entry in entries:
        key = address_of(entry.address)
        known = kept.get(key)
        if known is None or (known.reason is Reason.UNSUBSCRIBE and entry.reason is not Reason.UNSUBSCRIBE):
            kept[key] = replace(entry, address=key)
    return await _enter(write, account_id, [kept[key] for key in sorted(kept)], tells=False)


async def unsuppress(
    write: WriteSession, account_id: int, addresses: Iterable[str], *, clear_marks: bool = False
) -> list[str]:
    """Take addresses off the account's list; blacklisted contacts get back the status they had.

    Unsubscribed and spam-reported contacts stay what they are.

    Args:
        write: The transaction.
        account_id: Whose list.
        addresses: Those that are not on it are ignored.
        clear_marks: Whether their bounced and complained marks go as well.

    Returns:
        The addresses that were on the list, sorted.

    Source:
        docs/contract/dyn-email.md, 10.4 and 16.
    """
    addresses = list(addresses)
    gone = await suppressions.leave(write, account_id, addresses)
    if clear_marks:
        await suppressions.activate(write, account_id, addresses)
    if gone:
        await _sql.rows(write, "restore", account_id, gone)
    return gone


async def _enter(
    write: WriteSession,
    account_id: int,
    entries: Sequence[NewEntry],
    *,
    source: tuple[int, datetime] | None = None,
    complaining: int | None = None,
    tells: bool,
) -> Suppressed:
    """Make entries of clean, sorted addresses, then bring the contacts in line.

    The second is a statement of its own, because it has to see what others committed while the first waited for them.
    """
    if not entries and complaining is None:
        return Suppressed([], [])
    added = set(await suppressions.enter(write, account_id, entries, source=source, tells=tells))
    keys, reasons = [entry.address for entry in entries], [str(entry.reason) for entry in entries]
    await _sql.rows(write, "couple", account_id, keys, reasons, complaining, *(source or (None, None)), tells)
    return Suppressed([key for key in keys if key in added], [key for key in keys if key not in added])
