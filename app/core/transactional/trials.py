"""A content looked at before it is sent: rendered for a contact or for values, and sent to its author as a test.

Links of a test lead nowhere: whoever tries one must not unsubscribe or confirm anybody. Uses the repository and the
front doors below.

Source: docs/contract/native.md, 9 and 10.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from app.core import audiences, messages
from app.core.errors import CoreError, Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.core.jobs import DrainQueue
from app.core.messages import Author, Draft, Lane
from app.core.transactional import repository
from app.core.transactional.checking import MAX_BODY, MAX_LINE, mailbox_of
from app.core.transactional.rendering import Unrenderable
from app.core.transactional.wording import Rendered, Wording, render
from app.db.engine import driver_of
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of, uid
from app.mail.addresses import Mailbox
from app.mail.personalise import MAX_SOURCE
from app.models.contact import Contact
from app.models.message import Kind

MAX_RECIPIENTS = 10
MAX_VALUES = 1000
NO_SUBJECT = "(no subject)"
_LINKS = {
    "UNSUBSCRIBE_URL": "/u/test",
    "WEB_VIEW_URL": "/w/test",
    "UPDATE_PROFILE_URL": "/p/test",
    "SUBSCRIBE_CONFIRM_URL": "/c/test",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a content is rendered.

    Attributes:
        contact: One of the account's contacts; None: nobody.
        values: By name in any case; they win over those of the contact.
        audience_id: Whose names and contact information hold without a contact; None: names of all audiences.
    """

    contact: str | UUID | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    audience_id: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A test mail.

    Attributes:
        wording: What it says.
        from_email: An approved sender.
        recipients: 1 to 10 addresses; each gets a mail of its own.
        from_name: Of the From header.
        reply_to: Of the Reply-To header; blank: none.
        reader: For whom it is rendered.
    """

    wording: Wording
    from_email: str
    recipients: Sequence[str]
    from_name: str = ""
    reply_to: str = ""
    reader: Reader = field(default_factory=Reader)


@dataclass(frozen=True, slots=True)
class Tested:
    """A test mail that is durable.

    Attributes:
        recipient: To whom.
        message_id: The copy.
        accepted_at: Second of its acceptance.
    """

    recipient: str
    message_id: int
    accepted_at: datetime


async def preview(
    read: ReadSession, account_id: int, wording: Wording, reader: Reader, *, public_url: str, now: datetime
) -> Rendered:
    """Return a content as a reader would see it, with warnings for its author.

    Args:
        read: The transaction.
        account_id: Whose.
        wording: The content.
        reader: For whom.
        public_url: Base of the links that stand for signed ones.
        now: Date of sending.

    Raises:
        Invalid: `contact_id` names none; `subject`, `preheader`, `html` or `text` are malformed or too large; `values`
            cannot be accepted.
    """
    _check(wording, reader)
    values, tags = await _known(read, account_id, reader, public_url, now)
    try:
        return await render(wording, values, tags)
    except Unrenderable as error:
        raise Invalid([FieldFault(error.part, Fault.SYNTAX, error.problem)]) from None


async def send_tests(
    write: WriteSession, author: Author, trial: Trial, *, public_url: str, received_at: datetime, default_cap: int = 0
) -> list[Tested]:
    """Write test mails as a part of the transaction: untracked, of the kind `test`, counted against the quota.

    It holds rows of counters, so it belongs at the end of the transaction.

    Args:
        write: The transaction.
        author: Whose mail it is.
        trial: What is sent.
        public_url: Base of the links that stand for signed ones.
        received_at: When; becomes the acceptance.
        default_cap: Monthly limit of masters without one of their own; 0 = none.

    Returns:
        One for each address, in order; an address that is given twice gets one mail. A copy to a suppressed address is
        recorded as blocked.

    Raises:
        Invalid: As of `preview`; `recipients` are missing, too many or no addresses; `from_email` is not approved.
        StaleCaller: The account has changed since the caller was read, or may not act.
        QuotaExceeded: The monthly limit would be passed.
    """
    account_id, wording = author.account_id, trial.wording
    recipients = _recipients(trial.recipients)
    if not wording.html.strip() and not wording.text.strip():
        raise Invalid([FieldFault("html", Fault.REQUIRED, "or text is required")])
    shown = await preview(write, account_id, wording, trial.reader, public_url=public_url, now=received_at)
    sender_id = await repository.sender_id(write, account_id, trial.from_email)
    if sender_id is None:
        raise Invalid([FieldFault("from_email", Fault.NOT_APPROVED, "is not an approved sender")])
    subject = " ".join((shown.subject or NO_SUBJECT).split())
    drafts = [
        Draft(
            caller=author,
            sender_id=sender_id,
            from_address=trial.from_email,
            kind=Kind.TEST,
            lane=Lane.URGENT,
            headers=(
                ("From", Mailbox(trial.from_name, trial.from_email).header_text()),
                ("To", recipient),
                *((("Reply-To", trial.reply_to),) if trial.reply_to else ()),
                ("Subject", subject),
            ),
            text=shown.text,
            html=shown.mail_html,
            recipients=(recipient,),
            x_headers=None,
            issues=(),
            received_at=received_at,
        )
        for recipient in recipients
    ]
    await write.flush()
    written = await messages.write_drafts(await driver_of(await write.connection()), drafts, default_cap=default_cap)
    write.enqueue(DrainQueue())
    tested: list[Tested] = []
    for recipient, outcome in zip(recipients, written, strict=True):
        if isinstance(outcome, CoreError):
            raise outcome
        tested.append(Tested(recipient, outcome.message_ids[0], outcome.accepted_at))
    return tested


async def _known(
    read: ReadSession, account_id: int, reader: Reader, public_url: str, now: datetime
) -> tuple[dict[str, str], frozenset[str]]:
    """Return values by name, and which names are known besides those of the contract.

    Raises:
        Invalid: The account has no such contact.
    """
    sent = now.astimezone(UTC)
    values = {name: f"{public_url}{path}" for name, path in _LINKS.items()}
    values |= {"CURRENT_YEAR": f"{sent.year}", "CURRENT_MONTH": f"{sent.month:02}", "CURRENT_DAY": f"{sent.day:02}"}
    contact = await _contact(read, account_id, reader.contact)
    audience_id = contact.audience_id if contact is not None else reader.audience_id
    audience = await repository.audience(read, account_id, audience_id) if audience_id is not None else None
    if audience is not None:
        values |= audiences.constants(audience)
    if contact is not None:
        name = uid(Noun.CONTACT, contact.id)
        values |= {**contact.fields, "EMAIL": contact.address, "SUBSCRIBER_UID": name, "CONTACT_UID": name}
    own = {name.strip().upper(): value for name, value in reader.values.items()}
    tags = await repository.field_tags(read, account_id, audience.id if audience is not None else None)
    return values | own, tags | own.keys()


async def _contact(read: ReadSession, account_id: int, which: str | UUID | None) -> Contact | None:
    """Return the contact, None when none is asked for.

    Raises:
        Invalid: The account has no such contact.
    """
    if which is None:
        return None
    number = number_of(Noun.CONTACT, which)
    contact = await repository.contact(read, account_id, number) if number else None
    if contact is None:
        raise Invalid([FieldFault("contact_id", Fault.NOT_FOUND, "names a contact that does not exist")])
    return contact


def _recipients(given: Sequence[str]) -> list[str]:
    """Return addresses, each once.

    Raises:
        Invalid: There are none, too many, or one is no address.
    """
    if not given:
        raise Invalid([FieldFault("recipients", Fault.REQUIRED, "is required")])
    if len(given) > MAX_RECIPIENTS:
        raise Invalid([FieldFault("recipients", Fault.TOO_LONG, f"must not be more than {MAX_RECIPIENTS}")])
    found: dict[str, str] = {}
    faults: list[FieldFault] = []
    for place, text in enumerate(given):
        try:
            mailbox = mailbox_of(text)
        except Invalid as error:
            faults += [FieldFault(f"recipients.{place}", one.fault, one.message) for one in error.faults]
        else:
            found.setdefault(mailbox.key, mailbox.address)
    if faults:
        raise Invalid(faults)
    return list(found.values())


def _check(wording: Wording, reader: Reader) -> None:
    """See that sizes are sane and everything can be stored.

    Raises:
        Invalid: Something is not.
    """
    faults = []
    for name, longest in (("subject", MAX_LINE), ("preheader", MAX_LINE), ("html", MAX_SOURCE), ("text", MAX_SOURCE)):
        text: str = getattr(wording, name)
        if len(text) > longest:
            faults.append(FieldFault(name, Fault.TOO_LONG, f"must not be longer than {longest} characters"))
        elif not is_storable(text):
            faults.append(FieldFault(name, Fault.INVALID, "cannot be stored"))
    if len(reader.values) > MAX_VALUES:
        faults.append(FieldFault("values", Fault.TOO_LONG, f"must not be more than {MAX_VALUES}"))
    elif any(len(text) > MAX_BODY or not is_storable(text) for pair in reader.values.items() for text in pair):
        faults.append(FieldFault("values", Fault.INVALID, "holds a value that is too long or cannot be stored"))
    if faults:
        raise Invalid(faults)
