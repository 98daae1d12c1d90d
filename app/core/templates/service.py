"""The verbs on templates. Uses the repository; imports models, kit, `app.mail.personalise` and the core's errors.

Every verb takes the account first; a template of another account is an unknown one.
"""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import func

from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.core.extra import is_storable, merged
from app.core.templates import repository
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.mail.personalise import MAX_SOURCE, SyntaxProblem, parse
from app.models.template import Template

PAGE = 1000
"""Templates per page, unless asked for fewer."""
MAX_NAME = 255
"""Characters of a name."""
MAX_LINE = 2000
"""Characters of a subject and of a preheader."""


class TemplateChanges(TypedDict, total=False):
    """What can be set on a template beside its name; what is absent stays as it is (or is empty)."""

    subject: str
    preheader: str
    html: str
    text: str | None
    """None: derived from the HTML when it is sent."""
    extra: dict[str, Any]
    """Merged."""


async def create(
    write: WriteSession,
    account_id: int,
    *,
    name: str,
    check_syntax: bool = True,
    **values: Unpack[TemplateChanges],
) -> Template:
    """Make a template.

    Args:
        write: The transaction.
        account_id: Whose.
        name: 1 to 255 characters; several templates may have the same.
        check_syntax: Whether malformed personalisation is refused; a campaign with it cannot start in any case.
        **values: Its content.

    Raises:
        Invalid: A value cannot be accepted; malformed personalisation (`Fault.SYNTAX`, with the line).

    Source:
        docs/contract/native.md, 9; docs/contract/dyno.md, 5; docs/contract/dynosend.md, 13.
    """
    template = Template(account_id=account_id, name=_name(name))
    _apply(template, values, check_syntax=check_syntax)
    write.add(template)
    await write.flush()
    await write.refresh(template)
    return template


async def get(read: ReadSession, account_id: int, which: int | str | UUID, *, lock: bool = False) -> Template:
    """Return a template by its id, uid or UUID.

    Args:
        read: The transaction.
        account_id: Whose.
        which: A number is an id, a text a uid.
        lock: Hold the row until the end of the transaction.

    Raises:
        NotFound: The account has no such template.
    """
    template_id = number_of(Noun.TEMPLATE, which)
    template = await repository.by_id(read, account_id, template_id, lock=lock) if template_id else None
    if template is None:
        raise NotFound("no such template")
    return template


async def list_after(read: ReadSession, account_id: int, *, after_id: int = 0, limit: int = PAGE) -> Sequence[Template]:
    """List templates by id, from the one after `after_id` on."""
    return await repository.after(read, account_id, after_id=after_id, limit=limit)


async def list_page(
    read: ReadSession,
    account_id: int,
    *,
    text: str | None = None,
    after_id: int = 0,
    descending: bool = False,
    limit: int = PAGE,
) -> Sequence[Template]:
    """List the account's templates by creation.

    Args:
        read: The transaction.
        account_id: Whose.
        text: Only those whose name contains this, ignoring case.
        after_id: Only those that come after this one; 0: all.
        descending: Whether the newest comes first.
        limit: How many at most.
    """
    return await repository.page(read, account_id, text=text, after_id=after_id, descending=descending, limit=limit)


async def count(read: ReadSession, account_id: int, *, text: str | None = None) -> int:
    """Count what `list_page` lists."""
    return await repository.count(read, account_id, text=text)


async def change(
    write: WriteSession,
    account_id: int,
    which: int | str | UUID,
    *,
    name: str | None = None,
    check_syntax: bool = True,
    **changes: Unpack[TemplateChanges],
) -> Template:
    """Change what is given; no name leaves the name. Runs that have started keep the content they have.

    Raises:
        Invalid: As for `create`.
        NotFound: The account has no such template.
    """
    template = await get(write, account_id, which, lock=True)
    if name is not None:
        template.name = _name(name)
    _apply(template, changes, check_syntax=check_syntax)
    template.updated_at = func.now()
    await write.flush()
    await write.refresh(template)
    return template


async def delete(write: WriteSession, account_id: int, which: int | str | UUID) -> Template:
    """Delete a template: it is not found any more; the row stays.

    Raises:
        NotFound: The account has no such template.
    """
    template = await get(write, account_id, which, lock=True)
    template.deleted_at = func.now()
    await write.flush()
    await write.refresh(template)
    return template


def _apply(template: Template, changes: TemplateChanges, *, check_syntax: bool) -> None:
    """Set what is given.

    Raises:
        Invalid: A value cannot be accepted.
    """
    if "subject" in changes:
        template.subject = _content("subject", changes["subject"], MAX_LINE, check_syntax=check_syntax)
    if "preheader" in changes:
        template.preheader = _content("preheader", changes["preheader"], MAX_LINE, check_syntax=check_syntax)
    if "html" in changes:
        template.html = _content("html", changes["html"], MAX_SOURCE, check_syntax=check_syntax)
    if "text" in changes:
        text = changes["text"]
        template.text = _content("text", text, MAX_SOURCE, check_syntax=check_syntax) if text is not None else None
    if "extra" in changes:
        template.extra = merged(template.extra, changes["extra"])


def _name(name: str) -> str:
    """Return a name, trimmed.

    Raises:
        Invalid: It is blank, too long or cannot be stored.
    """
    trimmed = name.strip()
    if not trimmed:
        raise Invalid([FieldFault("name", Fault.REQUIRED, "is required")])
    return _content("name", trimmed, MAX_NAME, check_syntax=False)


def _content(field: str, text: str, longest: int, *, check_syntax: bool) -> str:
    """Return a text that can be stored and, where that is checked, sent.

    Raises:
        Invalid: It is too long, cannot be stored, or its personalisation is malformed.
    """
    if len(text) > longest:
        raise Invalid([FieldFault(field, Fault.TOO_LONG, f"must not be longer than {longest} characters")])
    if not is_storable(text):
        raise Invalid([FieldFault(field, Fault.INVALID, "cannot be stored")])
    if check_syntax:
        try:
            parse(text)
        except SyntaxProblem as problem:
            fault = FieldFault(field, Fault.SYNTAX, f"line {problem.line}: {problem.message}")
            raise Invalid([fault]) from None
    return text
