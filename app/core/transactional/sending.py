"""Sending a stored message to one recipient: checked, its contact found or made, rendered. Imports front doors below.

Source: docs/contract/dynosend.md, 10; docs/contract/dyn-email.md, 16.
"""

from dataclasses import dataclass
from datetime import datetime

from app.core import audiences, contacts, messages, suppressions
from app.core.audiences import Audience
from app.core.contacts import Contact, ContactStatus
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound, QuotaExceeded
from app.core.messages import Author, Draft, Lane
from app.core.suppressions import Reason
from app.core.transactional import repository
from app.core.transactional.checking import Hindrance, Sending, check, mailbox_of
from app.core.transactional.header_names import allowed
from app.core.transactional.rendering import (
    Person,
    Site,
    Texts,
    Unrenderable,
    dynosend_headers,
    rendered,
    values_of,
)
from app.db.engine import driver_of
from app.db.unit_of_work import WriteSession
from app.kit.clock import second
from app.mail.addresses import Mailbox
from app.mail.tracked import Tracks
from app.models.message import Kind
from app.models.transactional_message import ContentKind, MessageStatus, TransactionalMessage

SOURCE = "transactional"
"""Of contacts that are made because a message went to them."""


async def prepare(
    write: WriteSession,
    author: Author,
    message: TransactionalMessage,
    sending: Sending,
    *,
    site: Site,
    received_at: datetime,
    default_cap: int = 0,
) -> Draft:
    """Return the mail a call makes, ready for `Batcher.accept` or `messages.write_draft`.

    An unknown recipient becomes a contact of the message's audience, unconfirmed and without a confirmation mail; so
    the transaction is to be committed before the mail is accepted, or with it.

    Args:
        write: The transaction.
        author: Whose key it is.
        message: Of `get`, of that account.
        sending: What is asked for.
        site: Of the installation.
        received_at: When; becomes the acceptance.
        default_cap: Monthly limit of masters without one of their own; 0 = none.

    Raises:
        Invalid: `recipient` is no address, or suppressed (`Fault.SUPPRESSED`; not for `unsubscribe`); `html` and
            `text` are required for external content; `subject`, `html`, `text`, `tags` or `headers` are malformed.
        Conflict: It is not active, its audience is gone, or its sender not approved; the state is a `Hindrance`.
        QuotaExceeded: The monthly limit is used up, and a contact would have to be made.
    """
    mailbox = mailbox_of(sending.recipient)
    check(message, sending)
    entries = await suppressions.reasons(write, author.account_id, [mailbox.address])
    if any(reason != Reason.UNSUBSCRIBE for reason in entries.values()):
        raise Invalid([FieldFault("recipient", Fault.SUPPRESSED, "is on the suppression list")])
    place = await _place(write, message)
    contact = await _known(write, place.audience, mailbox)
    if contact is None:
        connection = await driver_of(await write.connection())
        left = await messages.left_this_month(
            connection, author.account_id, received_at, default_cap=default_cap, lock=False
        )
        if left == 0:
            raise QuotaExceeded("the monthly quota is spent")
        contact = await _made(write, place.audience, mailbox, sending)
    person = Person(contact.id, contact.address, contact.fields)
    return await _draft(write, _Order(author, message, sending, place, person, mailbox), site, received_at)


@dataclass(frozen=True, slots=True)
class _Place:
    """Who sends, and in whose name."""

    sender_id: int
    audience: Audience


@dataclass(frozen=True, slots=True)
class _Order:
    """All that a mail is made of."""

    author: Author
    message: TransactionalMessage
    sending: Sending
    place: _Place
    person: Person
    mailbox: Mailbox


async def _draft(write: WriteSession, order: _Order, site: Site, received_at: datetime) -> Draft:
    """Return the mail.

    Raises:
        Invalid: A text is malformed.
    """
    message, person, place = order.message, order.person, order.place
    accepted_at = second(received_at)
    mail_id, message_id = await messages.reserve_ids(await driver_of(await write.connection()), 2)
    fields = await audiences.field_set(write, order.author.account_id, place.audience.id)
    tags = {name.strip().upper(): value for name, value in order.sending.tags.items()}
    values = values_of(site, place.audience, person, message_id=message_id, accepted_at=accepted_at)
    try:
        known = frozenset(fields.types) | tags.keys()
        texts = await rendered(_texts(message, order.sending), values | tags, tags=known)
    except Unrenderable as error:
        raise Invalid([FieldFault(error.part, Fault.SYNTAX, error.problem)]) from None
    headers = (
        ("From", Mailbox(message.from_name, message.from_email).header_text()),
        ("To", order.mailbox.address),
        *((("Reply-To", message.reply_to),) if message.reply_to else ()),
        ("Subject", texts.subject),
        *dynosend_headers(site, person, message_id=message_id, accepted_at=accepted_at),
        *allowed(order.sending.headers),
    )
    wanted = Tracks(Tracks.OPENS * message.track_opens | Tracks.CLICKS * message.track_clicks)
    tracked = await messages.tracking_with(wanted, headers=headers, html=texts.html, public_url=site.public_url)
    return Draft(
        caller=order.author,
        sender_id=place.sender_id,
        from_address=message.from_email,
        kind=Kind.TRANSACTIONAL,
        lane=Lane.URGENT,
        headers=headers,
        text=texts.text,
        html=texts.html,
        recipients=(order.mailbox.address,),
        x_headers=None,
        issues=(),
        received_at=received_at,
        tracking=tracked.tracking,
        links=tracked.links,
        contact_id=person.contact_id,
        ids=(mail_id, message_id),
    )


async def _place(write: WriteSession, message: TransactionalMessage) -> _Place:
    """Return who sends and the audience.

    Raises:
        Conflict: The message is not active, its audience gone, or its sender not approved.
    """
    if message.status != MessageStatus.ACTIVE:
        raise Conflict("the message is not active", state=Hindrance.INACTIVE)
    try:
        audience = await audiences.get(write, message.account_id, message.audience_id)
    except NotFound:
        raise Conflict("the message is not active", state=Hindrance.INACTIVE) from None
    sender_id = await repository.sender_id(write, message.account_id, message.from_email)
    if sender_id is None:
        raise Conflict("the sender is not approved", state=Hindrance.SENDER)
    return _Place(sender_id, audience)


async def _known(write: WriteSession, audience: Audience, mailbox: Mailbox) -> Contact | None:
    """Return the recipient's contact in the audience, if there is one."""
    try:
        return await contacts.get(write, audience.account_id, audience.id, mailbox.key)
    except NotFound:
        return None


async def _made(write: WriteSession, audience: Audience, mailbox: Mailbox, sending: Sending) -> Contact:
    """Return the recipient's contact, made if nobody else has made it meanwhile.

    Raises:
        Invalid: A value that was given cannot be accepted.
    """
    try:
        return await contacts.add(
            write,
            audience.account_id,
            audience.id,
            email=mailbox.key,
            fields=sending.fields,
            status=ContactStatus.UNCONFIRMED,
            source=SOURCE,
            needs_required=False,
        )
    except Conflict:
        return await contacts.get(write, audience.account_id, audience.id, mailbox.key)


def _texts(message: TransactionalMessage, sending: Sending) -> Texts:
    """Return what the mail says before it is personalised."""
    subject = sending.subject if (sending.subject or "").strip() else message.subject
    if message.content == ContentKind.EXTERNAL:
        return Texts(subject or "", sending.html, sending.text)
    html, text = message.html, message.text
    return Texts(subject or "", html if html.strip() else None, text if text.strip() else None)
