"""The form in which addresses are compared. Pure; imports `app.mail.addresses`."""

from collections.abc import Iterable

from app.core.extra import is_storable
from app.mail.addresses import InvalidAddress, parse_mailbox


def key_of(address: str) -> str:
    """Return the form in which addresses are compared: trimmed, in lower case, the domain in A-labels.

    It is the form in which contacts and the ledger have them. What is no address comes back trimmed and in lower case.
    """
    return checked_key(address) or address.strip().lower()


def checked_key(address: str) -> str | None:
    """Return the form in which addresses are compared, or None if the text is no address."""
    try:
        mailbox = parse_mailbox(address.strip())
    except InvalidAddress:
        return None
    return None if mailbox.name or not is_storable(mailbox.key) else mailbox.key


def keys_of(addresses: Iterable[str]) -> list[str]:
    """Return the addresses in that form, sorted, each once, without those that cannot be on any list."""
    return sorted({key for address in addresses if is_storable(key := key_of(address))})
