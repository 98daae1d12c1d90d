"""Approved From addresses and their DKIM keys. Owns the tables `senders` and `dkim_keys`."""

from app.core.senders.book import SenderBook
from app.core.senders.changing import change, confirm, create
from app.core.senders.dns import Purpose, Record, look_up, publication
from app.core.senders.listing import SenderFilter, count, list_after
from app.core.senders.service import (
    Details,
    Identity,
    add,
    delete,
    details,
    get,
    identity,
    ids_of,
    is_selector,
    list_page,
    set_dkim,
)
from app.core.senders.verifying import Expected, verify, verify_due
from app.models.sender import Sender, SenderStatus

__all__ = [
    "Details",
    "Expected",
    "Identity",
    "Purpose",
    "Record",
    "Sender",
    "SenderBook",
    "SenderFilter",
    "SenderStatus",
    "add",
    "change",
    "confirm",
    "count",
    "create",
    "delete",
    "details",
    "get",
    "identity",
    "ids_of",
    "is_selector",
    "list_after",
    "list_page",
    "look_up",
    "publication",
    "set_dkim",
    "verify",
    "verify_due",
]
