"""`/audiences`: lists of contacts. Source: docs/contract/native.md, 5."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import Body, given
from app.api.native.ids import Id, which
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_after,
    key_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import audiences, transactional
from app.core.audiences import CONTACT_INFORMATION, SETTINGS, Audience, AudienceChanges, Statistics
from app.core.errors import Fault, FieldFault, Invalid
from app.db.unit_of_work import ReadSession
from app.dependencies import Read, Write
from app.kit.uids import Noun, uid, uuid

router = native_router("/audiences", "Audiences and fields")


class SettingsIn(Body):
    """What an audience does by itself; null sets a member back to its default."""

    double_opt_in: bool | None = None
    send_welcome: bool | None = None
    notify_unsubscribe: bool | None = None
    confirmation_template_id: str | None = None
    welcome_template_id: str | None = None
    confirmed_redirect_url: str | None = None
    unsubscribed_redirect_url: str | None = None


class InformationIn(Body):
    """Who stands behind an audience; null clears a member."""

    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    country: str | None = None
    state: str | None = None
    zip: str | None = None
    city: str | None = None
    phone: str | None = None
    website: str | None = None
    email: str | None = None


class AudienceChange(Body):
    """A merge patch of an audience."""

    name: str | None = None
    description: str | None = None
    from_email: str | None = None
    from_name: str | None = None
    default_subject: str | None = None
    settings: SettingsIn | None = None
    contact_information: InformationIn | None = None


class AudienceIn(AudienceChange):
    """A new audience."""

    name: str


class SettingsOut(BaseModel):
    """What an audience does by itself."""

    double_opt_in: bool
    send_welcome: bool
    notify_unsubscribe: bool
    confirmation_template_id: UUID | None
    welcome_template_id: UUID | None
    confirmed_redirect_url: str | None
    unsubscribed_redirect_url: str | None


class InformationOut(BaseModel):
    """Who stands behind an audience."""

    company: str | None
    address_1: str | None
    address_2: str | None
    country: str | None
    state: str | None
    zip: str | None
    city: str | None
    phone: str | None
    website: str | None
    email: str | None


class CountsOut(BaseModel):
    """Contacts by status."""

    total: int
    subscribed: int
    unconfirmed: int
    unsubscribed: int
    blacklisted: int
    spam_reported: int


class AudienceOut(BaseModel):
    """An audience."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"uid": "5fade5c93e42a", "number": 16, "name": "SaaS customers"}]}
    )

    id: UUID
    uid: str
    number: int
    name: str
    description: str
    from_email: str | None
    from_name: str | None
    default_subject: str | None
    settings: SettingsOut
    contact_information: InformationOut
    counts: CountsOut
    created_at: Time
    updated_at: Time


@router.get("")
async def list_audiences(
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting("created_at")],
    *,
    q: Annotated[str, Query(max_length=255, description="Part of the name, ignoring case.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[AudienceOut]:
    """List the audiences by creation."""
    account_id, text = caller.account_id, q or None
    found = await audiences.list_page(
        read, account_id, text=text, after_id=key_of(cursor) or 0, descending=order.descending, limit=limit + 1
    )
    counts = await audiences.statistics_of(read, account_id, found[:limit])
    total = await audiences.count(read, account_id, text=text) if count else None
    page = page_of(found, limit, lambda row: cursor_after(row.id), lambda row: shown(row, counts[row.id]), total)
    return Page[AudienceOut].model_validate(page)


@router.post("", status_code=201)
async def create_audience(body: AudienceIn, caller: Writer, write: Write, response: Response) -> AudienceOut:
    """Make an audience without contacts."""
    changes = await _changes(write, caller.account_id, given(body))
    audience = await audiences.create(write, caller.account_id, name=body.name, **changes)
    response.headers["Location"] = f"/api/trireme/v1/audiences/{uuid(Noun.AUDIENCE, audience.id)}"
    return shown(audience, Statistics())


@router.get("/{id}")
async def show_audience(id: Id, caller: Reader, read: Read) -> AudienceOut:
    """Show an audience."""
    audience = await audiences.get(read, caller.account_id, which(id))
    return await _counted(read, caller.account_id, audience)


@router.patch("/{id}")
async def change_audience(id: Id, body: AudienceChange, caller: Writer, write: Write) -> AudienceOut:
    """Change what is given.

    Raises:
        Invalid: No name, or a value that cannot be accepted.
    """
    members = given(body)
    if "name" in members and body.name is None:
        raise Invalid([FieldFault("name", Fault.REQUIRED, "is required")])
    changes = await _changes(write, caller.account_id, members)
    audience = await audiences.change(write, caller.account_id, which(id), name=body.name, **changes)
    return await _counted(write, caller.account_id, audience)


@router.delete("/{id}", status_code=204)
async def delete_audience(id: Id, caller: Writer, write: Write) -> None:
    """Delete an audience that no campaign is for which is scheduled, sending or paused."""
    await audiences.delete(write, caller.account_id, which(id))


def shown(audience: Audience, counts: Statistics) -> AudienceOut:
    """Return an audience as it is shown."""
    return AudienceOut(
        id=uuid(Noun.AUDIENCE, audience.id),
        uid=uid(Noun.AUDIENCE, audience.id),
        number=audience.id,
        name=audience.name,
        description=audience.description,
        from_email=audience.from_email,
        from_name=audience.from_name,
        default_subject=audience.default_subject,
        settings=SettingsOut.model_validate(_settings_out(audience.settings)),
        contact_information=InformationOut.model_validate(
            {name: audience.contact_information.get(name) for name in CONTACT_INFORMATION}
        ),
        counts=CountsOut(
            total=counts.total,
            subscribed=counts.subscribed,
            unconfirmed=counts.unconfirmed,
            unsubscribed=counts.unsubscribed,
            blacklisted=counts.blacklisted,
            spam_reported=counts.spam_reported,
        ),
        created_at=audience.created_at,
        updated_at=audience.updated_at or audience.created_at,
    )


def _settings_out(settings: Mapping[str, Any]) -> dict[str, Any]:
    out = {name: settings.get(name, default) for name, default in SETTINGS.items()}
    for name in ("confirmation_template_id", "welcome_template_id"):
        number = out[name]
        known = isinstance(number, int | str) and str(number).isdigit() and int(number) > 0
        out[name] = uuid(Noun.TEMPLATE, int(str(number))) if known else None
    return out


async def _counted(read: ReadSession, account_id: int, audience: Audience) -> AudienceOut:
    counts = await audiences.statistics_of(read, account_id, [audience])
    return shown(audience, counts[audience.id])


async def _changes(read: ReadSession, account_id: int, members: Mapping[str, Any]) -> AudienceChanges:
    """Return what a request sets; null empties a text, or sets a whole group back.

    Raises:
        Invalid: A template that there is not, or that cannot be used for this.
    """
    changes = AudienceChanges()
    if "description" in members:
        changes["description"] = members["description"] or ""
    if "from_email" in members:
        changes["from_email"] = members["from_email"]
    if "from_name" in members:
        changes["from_name"] = members["from_name"]
    if "default_subject" in members:
        changes["default_subject"] = members["default_subject"]
    if "settings" in members:
        settings = members["settings"] if members["settings"] is not None else dict.fromkeys(SETTINGS)
        named = {name: _template(value) if name.endswith("template_id") else value for name, value in settings.items()}
        changes["settings"] = await transactional.checked_settings(read, account_id, named)
    if "contact_information" in members:
        information = members["contact_information"]
        changes["contact_information"] = information if information is not None else dict.fromkeys(CONTACT_INFORMATION)
    return changes


def _template(value: str | None) -> str | UUID | None:
    """Return what names a template, a UUID or a uid."""
    try:
        return UUID(value) if value is not None else None
    except ValueError:
        return value
