"""The verbs on stored messages. Uses the repository; a message of another account is an unknown one."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Unpack, get_type_hints
from uuid import UUID

from sqlalchemy import func

from app.core import audiences
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.core.extra import is_storable
from app.core.transactional import repository
from app.core.transactional.values import Changes, Fields
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.mail.personalise import MAX_SOURCE, SyntaxProblem, parse
from app.models.transactional_message import ContentKind, MessageStatus, TransactionalMessage

PAGE = 50
MAX_NAME = 255
"""Characters of a name."""
MAX_LINE = 2000
"""Characters of any other text of one line."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BODIES = frozenset({"html", "text"})
_PERSONALISED = ("subject", "html", "text")
_REQUIRED = ("name", "from_email", "subject")
_CHOICES = {"status": frozenset(MessageStatus), "content": frozenset(ContentKind)}
_FIELDS = frozenset(get_type_hints(Changes))


async def create(
    write: WriteSession,
    account_id: int,
    *,
    name: str,
    audience_id: int,
    from_email: str,
    subject: str,
    **fields: Unpack[Fields],
) -> TransactionalMessage:
    """Make a message; from now on it can be sent, unless `status` says otherwise.

    Whether the account may send from `from_email` is asked when it is sent.

    Args:
        write: The transaction.
        account_id: Whose.
        name: What its author calls it, 1 to 255 characters.
        audience_id: Whose contacts its recipients are.
        from_email: An address.
        subject: May be personalised, as HTML and text.
        fields: Of `Fields`. Internal content needs `html` or `text`.

    Raises:
        Invalid: Values that cannot be accepted, in their documented order; malformed personalisation is
            `Fault.SYNTAX`.

    Source:
        docs/contract/native.md, 11.
    """
    given = {"name": name, "audience_id": audience_id, "from_email": from_email, "subject": subject}
    message = TransactionalMessage(
        account_id=account_id, status=MessageStatus.ACTIVE, content=ContentKind.INTERNAL, html="", text=""
    )
    await _apply(write, message, {**given, **fields})
    write.add(message)
    await write.flush()
    await write.refresh(message)
    return message


async def get(read: ReadSession, account_id: int, which: int | str | UUID) -> TransactionalMessage:
    """Return a message by its id, uid or UUID.

    Raises:
        NotFound: The account has no such message.
    """
    return await _found(read, account_id, which)


async def list_page(
    read: ReadSession,
    account_id: int,
    *,
    audience_id: int | None = None,
    text: str | None = None,
    after_id: int = 0,
    descending: bool = False,
    limit: int = PAGE,
) -> Sequence[TransactionalMessage]:
    """List the account's messages by creation.

    Args:
        read: The transaction.
        account_id: Whose.
        audience_id: Only those of this audience.
        text: Only those whose name contains this, ignoring case.
        after_id: Only those that come after this one; 0: all.
        descending: Whether the newest comes first.
        limit: How many at most.
    """
    return await repository.page(
        read,
        account_id,
        audience_id=audience_id,
        text=text,
        after_id=after_id,
        descending=descending,
        limit=limit,
    )


async def count(read: ReadSession, account_id: int, *, audience_id: int | None = None, text: str | None = None) -> int:
    """Count what `list_page` lists."""
    return await repository.count(read, account_id, audience_id=audience_id, text=text)


async def change(
    write: WriteSession, account_id: int, which: int | str | UUID, **changes: Unpack[Changes]
) -> TransactionalMessage:
    """Change what is given and nothing else; mail that was accepted before stays as it was.

    Raises:
        Invalid: As for `create`.
        NotFound: The account has no such message.
    """
    message = await _found(write, account_id, which, lock=True)
    await _apply(write, message, dict(changes))
    message.updated_at = func.now()
    await write.flush()
    await write.refresh(message)
    return message


async def delete(write: WriteSession, account_id: int, which: int | str | UUID) -> None:
    """Delete a message; what was sent stays.

    Raises:
        NotFound: The account has no such message.
    """
    message = await _found(write, account_id, which, lock=True)
    message.deleted_at = func.now()
    await write.flush()


async def _found(
    read: ReadSession, account_id: int, which: int | str | UUID, *, lock: bool = False
) -> TransactionalMessage:
    number = number_of(Noun.TRANSACTIONAL, which)
    message = await repository.by_id(read, account_id, number, lock=lock) if number else None
    if message is None:
        raise NotFound("no such transactional message")
    return message


async def _apply(write: WriteSession, message: TransactionalMessage, values: dict[str, Any]) -> None:
    """Check and set what is given.

    Raises:
        Invalid: Something cannot be accepted.
        TypeError: A name is none of a message's fields.
    """
    if unknown := sorted(values.keys() - _FIELDS):
        raise TypeError(f"no field of a message: {unknown}")
    faults = list(_faults(values))
    if "audience_id" in values:
        try:
            await audiences.get(write, message.account_id, values["audience_id"])
        except NotFound:
            faults.append(FieldFault("audience_id", Fault.NOT_FOUND, "names an audience that does not exist"))
    bodies = [values.get(name, getattr(message, name)) for name in ("html", "text")]
    if values.get("content", message.content) == ContentKind.INTERNAL and not any(body.strip() for body in bodies):
        faults.append(FieldFault("html", Fault.REQUIRED, "or text is required for internal content"))
    if faults:
        raise Invalid(faults)
    for name, value in values.items():
        setattr(message, name, value)


def _faults(values: dict[str, Any]) -> Iterator[FieldFault]:
    for name, value in values.items():
        if name in _REQUIRED and not value.strip():
            yield FieldFault(name, Fault.REQUIRED, "is required")
        elif isinstance(value, str):
            yield from _text_faults(name, value)
        if name in _CHOICES and value not in _CHOICES[name]:
            yield FieldFault(name, Fault.INVALID, f"is none of {', '.join(sorted(_CHOICES[name]))}")
        if name in {"from_email", "reply_to"} and value.strip() and not _is_address(value):
            yield FieldFault(name, Fault.INVALID, "is not an e-mail address")


def _text_faults(name: str, value: str) -> Iterator[FieldFault]:
    longest = MAX_SOURCE if name in _BODIES else MAX_NAME if name == "name" else MAX_LINE
    if len(value) > longest:
        yield FieldFault(name, Fault.TOO_LONG, f"is longer than {longest} characters")
    elif not is_storable(value) or (name not in _BODIES and _CONTROL.search(value)):
        yield FieldFault(name, Fault.INVALID, "has control characters")
    elif name in _PERSONALISED:
        try:
            parse(value)
        except SyntaxProblem as problem:
            yield FieldFault(name, Fault.SYNTAX, f"line {problem.line}: {problem.message}")


def _is_address(text: str) -> bool:
    try:
        mailbox = parse_mailbox(text)
    except InvalidAddress:
        return False
    return not mailbox.name
