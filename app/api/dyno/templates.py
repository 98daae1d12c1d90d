"""Dyno Email Marketing: templates. Imports the front door of templates. Source: docs/contract/dyno.md, 5."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from app.api.dyno import find
from app.api.dyno.auth import Call, Calling
from app.api.dyno.bodies import extra_of, name_of, sent, text_of
from app.api.dyno.envelope import answered
from app.api.dyno.find import Catalogue
from app.api.dyno.objects import READ_ONLY, id_of, naming, object_of, seconds, written
from app.core import finding, templates
from app.core.accounts import Scope
from app.core.templates import Template, TemplateChanges
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun

_CONTENT = ("content", "email_content", "html")
_KNOWN = READ_ONLY | {"template_id", "name", "subject", *_CONTENT, "preview_message"}


async def show(call: Calling, id: str) -> Response:
    """Return a template.

    Raises:
        NotFound: The account has none of this id.
        Forbidden: The key may not read.
    """
    async with call.reading() as read:
        template = await templates.get(read, call.account_id, object_of(Noun.TEMPLATE, id))
        call.require(Scope.READ)
    return answered({"template": _shown(call, template)})


async def create(call: Calling) -> Response:
    """Make a template.

    Raises:
        Invalid: A parameter is missing or bad.
        Forbidden: The key may not write.
    """
    body = await call.body()
    name, changes = name_of(body, needed=True) or "", _changes(body)
    async with call.changing(Scope.WRITE) as write:
        with _names(body):
            template = await templates.create(write, call.account_id, name=name, check_syntax=False, **changes)
    return _written(call, template)


async def change(call: Calling, id: str) -> Response:
    """Change what is sent of a template.

    Raises:
        Invalid: A parameter is bad.
        NotFound: The account has none of this id.
        Forbidden: The key may not write.
    """
    body = await call.body()
    name, changes = name_of(body, needed=False), _changes(body)
    number = object_of(Noun.TEMPLATE, id)
    async with call.changing(Scope.WRITE) as write:
        with _names(body):
            template = await templates.change(write, call.account_id, number, name=name, check_syntax=False, **changes)
    return _written(call, template)


async def delete(call: Calling, id: str) -> Response:
    """Delete a template.

    Raises:
        NotFound: The account has none of this id.
        Forbidden: The key may not write.
    """
    async with call.changing(Scope.WRITE) as write:
        template = await templates.delete(write, call.account_id, object_of(Noun.TEMPLATE, id))
    return answered(written(call.user_id, "template", str(id_of(Noun.TEMPLATE, template.id))))


async def find_all(call: Calling) -> Response:
    """Find templates; see `find.found`."""
    return await find.found(call, _CATALOGUE)


async def count(call: Calling) -> Response:
    """Count templates; see `find.counted`."""
    return await find.counted(call, _CATALOGUE)


def _changes(body: Mapping[str, Any]) -> TemplateChanges:
    """Return what is sent.

    Raises:
        Invalid: A parameter is bad.
    """
    changes = TemplateChanges()
    if (subject := text_of(body, "subject")) is not None:
        changes["subject"] = subject
    if (content := text_of(body, *_CONTENT)) is not None:
        changes["html"] = content
    if (preheader := text_of(body, "preview_message")) is not None:
        changes["preheader"] = preheader
    if extra := extra_of(body, _KNOWN):
        changes["extra"] = extra
    return changes


def _names(body: Mapping[str, Any]) -> Any:
    return naming(html=sent(body, *_CONTENT) or _CONTENT[0], preheader="preview_message")


def _written(call: Call, template: Template) -> Response:
    shown = _shown(call, template)
    return answered(written(call.user_id, "template", shown["id"], shown))


def _shown(call: Call, template: Template, *, content: bool = True) -> dict[str, Any]:
    return {
        "id": id_of(Noun.TEMPLATE, template.id),
        "user_id": call.user_id,
        "name": template.name,
        "subject": template.subject,
        "content": template.html if content else "",
        "preview_message": template.preheader,
        **(template.extra or {}),
        "created": seconds(template.created_at),
        "updated": seconds(template.updated_at),
        "deleted": seconds(template.deleted_at),
    }


async def _show(call: Call, read: ReadSession, found: Sequence[Template], is_content: bool) -> list[dict[str, Any]]:
    del read
    return [_shown(call, one, content=is_content) for one in found]


_CATALOGUE = Catalogue(
    finding.Noun.TEMPLATE,
    frozenset(finding.kinds(finding.Noun.TEMPLATE)),
    "templates",
    _show,
    large=frozenset({"content"}),
)
