"""The verbs on the fields of an audience. Uses the repository; imports models and the core's errors.

Source: docs/contract/dynosend.md, 6.3; docs/contract/native.md, 5.
"""

from collections.abc import Iterable
from typing import Unpack
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.core.audiences import repository
from app.core.audiences.names import EMAIL, as_text, check_value, checked_tag
from app.core.audiences.service import get
from app.core.audiences.values import FieldChanges, FieldSet
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.extra import is_storable
from app.db.sql import Connection
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.audience_field import AudienceField, FieldType

MAX_LABEL = 255
"""Characters of a label."""
MAX_FIELDS = 500
"""Fields of one audience."""


async def fields(read: ReadSession, account_id: int, which: int | str | UUID) -> list[AudienceField]:
    """Return the custom fields of an audience, by creation; EMAIL, which every audience has, is not among them.

    Raises:
        NotFound: The account has no such audience.
    """
    audience = await get(read, account_id, which)
    return list(await repository.fields(read, audience.id))


async def field_set(read: ReadSession, account_id: int, which: int | str | UUID) -> FieldSet:
    """Return the custom fields of an audience, ready for checking values.

    Raises:
        NotFound: The account has no such audience.
    """
    return FieldSet.of(await fields(read, account_id, which))


async def hold(connection: Connection, account_id: int, audience_id: int) -> FieldSet:
    """Hold an audience until the end of the transaction for a bulk change of its contacts; return its fields.

    Raises:
        NotFound: The account has no such audience.
    """
    if not await repository.lock_for_bulk(connection, account_id, audience_id):
        raise NotFound("no such audience")
    return FieldSet.of(await repository.fields_for_bulk(connection, audience_id))


async def add_field(
    write: WriteSession,
    account_id: int,
    which: int | str | UUID,
    *,
    tag: str,
    label: str,
    type: str = FieldType.TEXT,  # noqa: A002 the contract's word
    required: bool = False,
    visible: bool = True,
    default_value: str | None = None,
) -> AudienceField:
    """Add a field; contacts that exist have no value in it.

    Args:
        write: The transaction.
        account_id: Whose.
        which: The audience, by id, uid or UUID.
        tag: Its name; stored in upper case.
        label: What people read, 1 to 255 characters.
        type: Of `FieldType`.
        required: Whether a new contact must have a value.
        visible: Whether forms show it.
        default_value: For new contacts that leave it out.

    Raises:
        Conflict: The audience has a field of this tag.
        Invalid: A value cannot be accepted, or the audience has 500 fields.
        NotFound: The account has no such audience.
    """
    audience = await get(write, account_id, which, lock=True)
    if type not in set(FieldType):
        raise Invalid([FieldFault("type", Fault.UNKNOWN, "is not a type of fields")])
    label = _label(label)
    taken = [one.tag for one in await repository.fields(write, audience.id)]
    tag = checked_tag(tag, taken)
    if len(taken) >= MAX_FIELDS:
        raise Invalid([FieldFault("tag", Fault.INVALID, f"is beyond the {MAX_FIELDS} fields of an audience")])
    field = AudienceField(
        audience_id=audience.id,
        tag=tag,
        label=label,
        type=str(type),
        required=required,
        visible=visible,
        default_value=_default(type, default_value),
    )
    try:
        async with write.begin_nested():
            write.add(field)
    except IntegrityError:  # the row of the audience is held; this is for those who write past this verb
        raise Conflict("the field exists") from None
    await write.refresh(field)
    return field


async def ensure_fields(
    write: WriteSession, account_id: int, which: int | str | UUID, names: Iterable[str]
) -> list[AudienceField]:
    """Add text fields for names the audience does not know; return what was added.

    Args:
        write: The transaction.
        account_id: Whose.
        which: The audience, by id, uid or UUID.
        names: In any case; EMAIL is skipped.

    Raises:
        Invalid: A name that can be no tag, or is reserved.
        NotFound: The account has no such audience.

    Source:
        docs/contract/dyno.md, 6.
    """
    audience = await get(write, account_id, which, lock=True)
    known = {EMAIL, *(one.tag for one in await repository.fields(write, audience.id))}
    added = []
    for name in names:
        tag = name.strip().upper()
        if tag not in known:
            known.add(tag)
            added.append(await add_field(write, account_id, audience.id, tag=tag, label=name.strip()))
    return added


async def change_field(
    write: WriteSession, account_id: int, which: int | str | UUID, tag: str, **changes: Unpack[FieldChanges]
) -> AudienceField:
    """Change what is given of a field; tag and type stay as they are.

    Raises:
        Invalid: A value cannot be accepted.
        NotFound: The account has no such audience, or that no such field.
    """
    field = await _field(write, account_id, which, tag)
    if "label" in changes:
        field.label = _label(changes["label"])
    if "default_value" in changes:
        field.default_value = _default(field.type, changes["default_value"])
    field.required = changes.get("required", field.required)
    field.visible = changes.get("visible", field.visible)
    await write.flush()
    return field


async def delete_field(write: WriteSession, account_id: int, which: int | str | UUID, tag: str) -> None:
    """Delete a field with the values all contacts have in it.

    Raises:
        Invalid: EMAIL cannot be deleted.
        NotFound: The account has no such audience, or that no such field.
    """
    field = await _field(write, account_id, which, tag)
    await write.delete(field)
    await write.flush()
    await repository.clear_values(write, field.audience_id, field.tag)


async def _field(write: WriteSession, account_id: int, which: int | str | UUID, tag: str) -> AudienceField:
    """Return a field, with its audience held.

    Raises:
        Invalid: EMAIL, which is no row.
        NotFound: There is none.
    """
    audience = await get(write, account_id, which, lock=True)
    tag = tag.strip().upper()
    if tag == EMAIL:
        raise Invalid([FieldFault("tag", Fault.INVALID, "cannot be changed")])
    field = await repository.field(write, audience.id, tag) if is_storable(tag) else None
    if field is None:
        raise NotFound("no such field")
    return field


def _label(label: str) -> str:
    """Return a label, trimmed.

    Raises:
        Invalid: It is blank, too long or cannot be stored.
    """
    label = label.strip()
    if not label:
        raise Invalid([FieldFault("label", Fault.REQUIRED, "is required")])
    if len(label) > MAX_LABEL:
        raise Invalid([FieldFault("label", Fault.TOO_LONG, f"must not be longer than {MAX_LABEL} characters")])
    if not is_storable(label):
        raise Invalid([FieldFault("label", Fault.INVALID, "cannot be stored")])
    return label


def _default(kind: str, value: str | None) -> str | None:
    """Return a default value as it is stored.

    Raises:
        Invalid: It is no value of that type.
    """
    text = as_text("default_value", value)
    if text is not None:
        check_value("default_value", kind, text)
    return text
