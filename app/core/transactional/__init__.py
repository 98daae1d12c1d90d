"""Mail to one contact: configured messages, and what an audience sends by itself. Owns `transactional_messages`.

    message     create, get, list_page, change, delete
    send        prepare: a message for one recipient, ready for `Batcher.accept` or `messages.write_draft`;
                is_allowed: whether a caller may set a header line
    audience    greet: confirmations of a double opt-in and welcome mails, as a consumer of domain events

Imports: messages, contacts, audiences, suppressions, events, models, db, kit, `app.mail`.
"""

from app.core.transactional.checking import Hindrance, Sending
from app.core.transactional.greetings import greet
from app.core.transactional.header_names import is_allowed
from app.core.transactional.rendering import Site
from app.core.transactional.sending import prepare
from app.core.transactional.service import change, create, delete, get, list_page
from app.core.transactional.values import Changes, Fields
from app.models.transactional_message import ContentKind, MessageStatus, TransactionalMessage

__all__ = [
    "Changes",
    "ContentKind",
    "Fields",
    "Hindrance",
    "MessageStatus",
    "Sending",
    "Site",
    "TransactionalMessage",
    "change",
    "create",
    "delete",
    "get",
    "greet",
    "is_allowed",
    "list_page",
    "prepare",
]
