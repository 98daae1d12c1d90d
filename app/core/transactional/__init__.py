"""Mail to one contact: configured messages, and what an audience sends by itself. Owns `transactional_messages`.

    message     create, get, list_page, count, change, delete
    send        prepare: a message for one recipient, ready for `Batcher.accept` or `messages.write_draft`;
                send: the same, written in the caller's own transaction
                is_allowed: whether a caller may set a header line
    many        dispatch: one content to many recipients, a mail for each; sender_of: who sends it
    trial       preview: a content as a reader would see it; send_tests: to its author, untracked
    sender      ask_owner: asks the owner of a From address to confirm it
    render      rendered, values_of, dynosend_headers: the parts of a mail to one contact, for who writes it elsewhere
    audience    greet: confirmations of a double opt-in and welcome mails, as a consumer of domain events;
                checked_settings: the templates it writes them with

Imports: messages, contacts, audiences, suppressions, events, models, db, kit, `app.mail`.
"""

from app.core.transactional.approvals import SENDER_PURPOSE, ApprovalSite, ask_owner
from app.core.transactional.checking import Hindrance, Sending
from app.core.transactional.greeting_settings import checked_settings
from app.core.transactional.greetings import greet
from app.core.transactional.handing import Sent, send
from app.core.transactional.header_names import is_allowed
from app.core.transactional.merging import Recipient
from app.core.transactional.rendering import (
    Person,
    Site,
    Texts,
    Unrenderable,
    dynosend_headers,
    rendered,
    values_of,
)
from app.core.transactional.sending import prepare
from app.core.transactional.service import change, count, create, delete, get, list_page
from app.core.transactional.transactions import Dispatched, From, Transaction, dispatch, sender_of
from app.core.transactional.trials import Reader, Tested, Trial, preview, send_tests
from app.core.transactional.values import Changes, Fields
from app.core.transactional.wording import Rendered, Wording
from app.models.transactional_message import ContentKind, MessageStatus, TransactionalMessage

__all__ = [
    "SENDER_PURPOSE",
    "ApprovalSite",
    "Changes",
    "ContentKind",
    "Dispatched",
    "Fields",
    "From",
    "Hindrance",
    "MessageStatus",
    "Person",
    "Reader",
    "Recipient",
    "Rendered",
    "Sending",
    "Sent",
    "Site",
    "Tested",
    "Texts",
    "Transaction",
    "TransactionalMessage",
    "Trial",
    "Unrenderable",
    "Wording",
    "ask_owner",
    "change",
    "checked_settings",
    "count",
    "create",
    "delete",
    "dispatch",
    "dynosend_headers",
    "get",
    "greet",
    "is_allowed",
    "list_page",
    "prepare",
    "preview",
    "rendered",
    "send",
    "send_tests",
    "sender_of",
    "values_of",
]
