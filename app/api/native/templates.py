"""`/templates`: content that campaigns may use. Source: docs/contract/native.md, 9."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from app.api.native.auth import Reader, SendCaller, Writer
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
from app.api.native.trying import RenderIn, RenderOut, TestSendOut, as_texts, named, rendered, tested
from app.core import templates, transactional
from app.core.templates import Template, TemplateChanges
from app.core.transactional import Trial, Wording
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, uuid

router = native_router("/templates", "Templates")


_EXAMPLE: dict[str, Any] = {
    "name": "Welcome",
    "subject": "Hello {{ FIRST_NAME }}",
    "html": '<p>Hello {{ FIRST_NAME | default: "you" }}</p><a href="{UNSUBSCRIBE_URL}">Unsubscribe</a>',
}


class TemplateIn(Body):
    """A new template."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str
    subject: str | None = None
    preheader: str | None = None
    html: str | None = None
    text: str | None = None


class TemplateChange(Body):
    """A merge patch of a template: null empties a part, and a text that is null is derived from the HTML."""

    name: str = ""
    subject: str | None = None
    preheader: str | None = None
    html: str | None = None
    text: str | None = None


class TemplateOut(BaseModel):
    """A template."""

    id: UUID
    name: str
    subject: str
    preheader: str
    html: str
    text: str | None
    created_at: Time
    updated_at: Time


class RenderInlineIn(RenderIn):
    """A content that is not stored, and for whom it is rendered."""

    subject: str | None = None
    preheader: str | None = None
    html: str | None = None
    text: str | None = None


class TemplateTestIn(RenderIn):
    """A test mail of a template."""

    from_email: str
    recipients: list[str]


@router.get("")
async def list_templates(
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting("created_at")],
    *,
    q: Annotated[str, Query(max_length=255, description="Part of the name, ignoring case.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[TemplateOut]:
    """List the templates by creation."""
    account_id, text = caller.account_id, q or None
    rows = await templates.list_page(
        read,
        account_id,
        text=text,
        after_id=key_of(cursor) or 0,
        descending=order.descending,
        limit=limit + 1,
    )
    total = await templates.count(read, account_id, text=text) if count else None
    page = page_of(rows, limit, lambda row: cursor_after(row.id), _shown, total)
    return Page[TemplateOut].model_validate(page)


@router.post("", status_code=201)
async def create_template(body: TemplateIn, caller: Writer, write: Write, response: Response) -> TemplateOut:
    """Make a template; malformed personalisation is refused with its line."""
    template = await templates.create(write, caller.account_id, name=body.name, **_changes(body))
    response.headers["Location"] = f"/api/trireme/v1/templates/{uuid(Noun.TEMPLATE, template.id)}"
    return _shown(template)


@router.post("/render")
async def render_inline(body: RenderInlineIn, caller: Writer, read: Read, runtime: RuntimeDep) -> RenderOut:
    """Render a content that is not stored."""
    wording = Wording(body.subject or "", body.preheader or "", body.html or "", body.text or "")
    return await rendered(read, runtime, caller.account_id, wording, body)


@router.get("/{id}")
async def show_template(id: Id, caller: Reader, read: Read) -> TemplateOut:
    """Show a template."""
    return _shown(await templates.get(read, caller.account_id, which(id)))


@router.patch("/{id}")
async def change_template(id: Id, body: TemplateChange, caller: Writer, write: Write) -> TemplateOut:
    """Change what is given; runs that have started keep the content they have."""
    name = body.name if "name" in body.model_fields_set else None
    template = await templates.change(write, caller.account_id, which(id), name=name, **_changes(body))
    return _shown(template)


@router.delete("/{id}", status_code=204)
async def delete_template(id: Id, caller: Writer, write: Write) -> None:
    """Delete a template."""
    await templates.delete(write, caller.account_id, which(id))


@router.post("/{id}/render")
async def render_template(
    id: Id,
    body: RenderIn,
    caller: Writer,
    read: Read,
    runtime: RuntimeDep,
) -> RenderOut:
    """Render a template for a contact or with values, and warn of what looks wrong."""
    template = await templates.get(read, caller.account_id, which(id))
    return await rendered(read, runtime, caller.account_id, _wording(template), body)


@router.post("/{id}/test-send", status_code=202)
async def test_send(
    id: Id,
    *,
    body: TemplateTestIn,
    request: Request,
    caller: SendCaller,
    write: Write,
    runtime: RuntimeDep,
) -> TestSendOut:
    """Send a template as a test: untracked, in no insights, counted against the quota; durable with the answer."""
    template = await templates.get(write, caller.account_id, which(id))
    reader = transactional.Reader(named(body.contact_id), as_texts(body.values))
    trial = Trial(_wording(template), body.from_email.strip(), body.recipients, reader=reader)
    return await tested(request, write, runtime, caller, trial)


def _changes(body: TemplateIn | TemplateChange) -> TemplateChanges:
    changes = TemplateChanges()
    members = given(body)
    if "subject" in members:
        changes["subject"] = body.subject or ""
    if "preheader" in members:
        changes["preheader"] = body.preheader or ""
    if "html" in members:
        changes["html"] = body.html or ""
    if "text" in members:
        changes["text"] = body.text
    return changes


def _wording(template: Template) -> Wording:
    return Wording(template.subject, template.preheader, template.html, template.text or "")


def _shown(template: Template) -> TemplateOut:
    return TemplateOut(
        id=uuid(Noun.TEMPLATE, template.id),
        name=template.name,
        subject=template.subject,
        preheader=template.preheader,
        html=template.html,
        text=template.text,
        created_at=template.created_at,
        updated_at=template.updated_at or template.created_at,
    )
