"""People in audiences: status, tags, values. Owns the table `contacts`."""

from app.core.contacts.bulk import MAX_REPLACED, add_many, replace_members
from app.core.contacts.finding import duplicates, get, list_after, list_page, stream
from app.core.contacts.service import add, add_tags, change, delete, remove_tag, subscribe, unsubscribe
from app.core.contacts.values import MAX_TAG, MAX_TAGS, Added, BadRow, ContactRow, address_of, clean_tags
from app.models.contact import Contact, ContactStatus

__all__ = [
    "MAX_REPLACED",
    "MAX_TAG",
    "MAX_TAGS",
    "Added",
    "BadRow",
    "Contact",
    "ContactRow",
    "ContactStatus",
    "add",
    "add_many",
    "add_tags",
    "address_of",
    "change",
    "clean_tags",
    "delete",
    "duplicates",
    "get",
    "list_after",
    "list_page",
    "remove_tag",
    "replace_members",
    "stream",
    "subscribe",
    "unsubscribe",
]
