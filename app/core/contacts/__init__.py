"""People in audiences: status, tags, values, events. Owns the tables `contacts` and `contact_events`."""

from app.core.contacts.activity import Activity, activity
from app.core.contacts.adding import add
from app.core.contacts.bounced import suppress_bounced
from app.core.contacts.bulk import MAX_REPLACED, add_many, replace_members
from app.core.contacts.changing import add_tags, change, delete, remove_tag
from app.core.contacts.finding import duplicates, get, list_after, list_page, stream
from app.core.contacts.happening import record_event
from app.core.contacts.importing import Columns, add_columns
from app.core.contacts.many import delete_many, tag_many, unsubscribe_many, untag_many
from app.core.contacts.rows import Written
from app.core.contacts.status import ask_again, confirm, subscribe, unsubscribe
from app.core.contacts.suppressing import Suppressed, suppress, suppress_many, unsuppress
from app.core.contacts.values import MAX_TAG, MAX_TAGS, Added, BadRow, ContactRow, address_of, clean_tags
from app.models.contact import Contact, ContactStatus

__all__ = [
    "MAX_REPLACED",
    "MAX_TAG",
    "MAX_TAGS",
    "Activity",
    "Added",
    "BadRow",
    "Columns",
    "Contact",
    "ContactRow",
    "ContactStatus",
    "Suppressed",
    "Written",
    "activity",
    "add",
    "add_columns",
    "add_many",
    "add_tags",
    "address_of",
    "ask_again",
    "change",
    "clean_tags",
    "confirm",
    "delete",
    "delete_many",
    "duplicates",
    "get",
    "list_after",
    "list_page",
    "record_event",
    "remove_tag",
    "replace_members",
    "stream",
    "subscribe",
    "suppress",
    "suppress_bounced",
    "suppress_many",
    "tag_many",
    "unsubscribe",
    "unsubscribe_many",
    "unsuppress",
    "untag_many",
]
