"""Approved From addresses and their DKIM keys. Owns the tables `senders` and `dkim_keys`."""

from app.core.senders.book import SenderBook
from app.core.senders.service import (
    Details,
    Identity,
    add,
    delete,
    details,
    get,
    identity,
    ids_of,
    list_page,
    set_dkim,
)
from app.core.senders.verifying import Expected, verify, verify_due
from app.models.sender import Sender, SenderStatus

__all__ = [
    "Details",
    "Expected",
    "Identity",
    "Sender",
    "SenderBook",
    "SenderStatus",
    "add",
    "delete",
    "details",
    "get",
    "identity",
    "ids_of",
    "list_page",
    "set_dkim",
    "verify",
    "verify_due",
]
