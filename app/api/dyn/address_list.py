"""The parameter `emailaddress` where it is a list: the addresses in it, and what is none.

May import the parameters and errors of this family and `app.mail.addresses`.

Source: docs/contract/dyn-email.md, 3.2, 9 and 10.
"""

import asyncio
from dataclasses import dataclass

from app.api.dyn.errors import BodyTooLarge, FieldsRefused, blank
from app.api.dyn.params import Params
from app.mail.addresses import InvalidAddress, parse_mailbox

NAME = "emailaddress"
MAX_ADDRESSES = 50_000
"""Most entries of a list; more is a request too large."""
MAX_SHOWN = 320
"""Characters that are kept of an entry which is no address."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the list.

    Attributes:
        shown: The address as it was given, without a name beside it; what is no address is cut after 320 characters.
        key: What it is compared by: in lower case, the domain in A-labels.
        is_address: Whether mail could be sent there.
    """

    shown: str
    key: str
    is_address: bool


async def read_addresses(params: Params) -> list[Entry]:
    """Return the entries of the list in their order, doubles once.

    Raises:
        FieldsRefused: There are none.
        BodyTooLarge: There are more than 50000.
    """
    entries = await asyncio.to_thread(_read, params) if params.is_large else _read(params)
    if not entries:
        raise FieldsRefused([blank(NAME)])
    return entries


def _read(params: Params) -> list[Entry]:
    texts = params.entries(NAME)
    if len(texts) > MAX_ADDRESSES:
        raise BodyTooLarge
    found: dict[str, Entry] = {}
    for text in texts:
        entry = _entry(text)
        found.setdefault(entry.key, entry)
    return list(found.values())


def _entry(text: str) -> Entry:
    try:
        mailbox = parse_mailbox(text)
    except InvalidAddress:
        shown = text.strip()[:MAX_SHOWN]
        return Entry(shown, shown.lower(), is_address=False)
    return Entry(mailbox.address if mailbox.name or "<" in text else text.strip(), mailbox.key, is_address=True)
