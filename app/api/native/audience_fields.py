"""`/audiences/{id}/fields`: what contacts of an audience may have. Source: docs/contract/native.md, 5."""

from fastapi import Response
from pydantic import BaseModel

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import Body, given
from app.api.native.ids import Id, which
from app.api.native.paging import Page
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import audiences
from app.core.audiences import EMAIL, AudienceField, FieldChanges, FieldType
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.dependencies import Read, Write
from app.kit.uids import Noun, uuid

router = native_router("/audiences/{id}/fields", "Audiences and fields")


class FieldIn(Body):
    """A new field."""

    tag: str
    label: str
    type: FieldType
    required: bool = False
    visible: bool = True
    default_value: str | None = None


class FieldChange(Body):
    """A merge patch of a field."""

    label: str = ""
    required: bool = False
    visible: bool = True
    default_value: str | None = None


class FieldOut(BaseModel):
    """A field."""

    tag: str
    label: str
    type: str
    required: bool
    visible: bool
    default_value: str | None
    created_at: Time


@router.get("")
async def list_fields(id: Id, caller: Reader, read: Read) -> Page[FieldOut]:
    """List all fields by creation, EMAIL first."""
    audience = await audiences.get(read, caller.account_id, which(id))
    found = await audiences.fields(read, caller.account_id, audience.id)
    email = FieldOut(
        tag=EMAIL,
        label="Email",
        type=FieldType.TEXT,
        required=True,
        visible=True,
        default_value=None,
        created_at=audience.created_at,
    )
    return Page[FieldOut](data=[email, *map(_shown, found)], next_cursor=None, has_more=False)


@router.post("", status_code=201)
async def create_field(id: Id, body: FieldIn, caller: Writer, write: Write, response: Response) -> FieldOut:
    """Add a field; contacts that exist have no value in it.

    Raises:
        Conflict: The audience has a field of this tag.
    """
    audience = await audiences.get(write, caller.account_id, which(id))
    try:
        field = await audiences.add_field(
            write,
            caller.account_id,
            audience.id,
            tag=body.tag,
            label=body.label,
            type=body.type,
            required=body.required,
            visible=body.visible,
            default_value=body.default_value,
        )
    except Conflict:
        raise Conflict("the audience has a field of this tag") from None
    place = uuid(Noun.AUDIENCE, audience.id)
    response.headers["Location"] = f"/api/trireme/v1/audiences/{place}/fields/{field.tag}"
    return _shown(field)


@router.patch("/{tag}")
async def change_field(id: Id, tag: str, body: FieldChange, caller: Writer, write: Write) -> FieldOut:
    """Change what is given of a field; its tag and type stay."""
    changes = FieldChanges(**given(body))  # type: ignore[typeddict-item]
    return _shown(await audiences.change_field(write, caller.account_id, which(id), tag, **changes))


@router.delete("/{tag}", status_code=204)
async def delete_field(id: Id, tag: str, caller: Writer, write: Write) -> None:
    """Delete a field with the values of all contacts in it.

    Raises:
        Invalid: EMAIL cannot be deleted.
    """
    if tag.strip().upper() == EMAIL:
        raise Invalid([FieldFault("tag", Fault.INVALID, "cannot be deleted")])
    await audiences.delete_field(write, caller.account_id, which(id), tag)


def _shown(field: AudienceField) -> FieldOut:
    return FieldOut(
        tag=field.tag,
        label=field.label,
        type=field.type,
        required=field.required,
        visible=field.visible,
        default_value=field.default_value,
        created_at=field.created_at,
    )
