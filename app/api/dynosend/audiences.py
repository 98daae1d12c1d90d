"""Dynosend: audiences. Imports the front door of audiences. Source: docs/contract/dynosend.md, 6."""

import re
from typing import Any

from starlette.responses import Response

from app.api.dynosend.auth import Call
from app.api.dynosend.envelope import done, json_answer, moment, rate
from app.core import audiences
from app.core.accounts import Scope
from app.core.audiences import CONTACT_INFORMATION, EMAIL, Audience, AudienceField, FieldType
from app.kit.uids import Noun, uid

_PAGE = 1000
_EMAIL_FIELD = {"label": "Email", "type": "text", "tag": EMAIL, "visible": True, "required": True}
_TAG = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")
_MAX_LABEL = 255


async def show(call: Call) -> Response:
    """List all audiences, or show the one of `audience_uid` (6.1, 6.2).

    Raises:
        Invalid: `audience_uid` is no text.
        NotFound: No such audience.
        Forbidden: The key may not read.
    """
    checks = call.checks()
    which = checks.uid("audience_uid", required=False)
    checks.done()
    return await _one(call, which) if which else await _all(call)


async def add_field(call: Call) -> Response:
    """Add a custom field to an audience (6.3).

    Raises:
        Invalid: A parameter is missing or bad, or the tag is reserved.
        NotFound: No such audience.
        Forbidden: The key may not write.
        Conflict: The audience has the tag.
    """
    checks = call.checks()
    which = checks.uid("audience_uid")
    kind = checks.text("type")
    if kind and kind not in set(FieldType):
        checks.fault("type", "The selected type is invalid.")
    label = checks.text("label")
    if len(label) > _MAX_LABEL:
        checks.fault("label", f"must not be longer than {_MAX_LABEL} characters")
    tag = checks.text("tag").upper()
    if tag and not _TAG.match(tag):
        checks.fault("tag", "format is invalid")
    required = checks.boolean("required", default=False)
    visible = checks.boolean("visible", default=True)
    default = checks.text("default_value", required=False)
    checks.done()
    async with call.writing() as write:
        await audiences.get(write, call.account_id, which)
        call.require(Scope.WRITE)
        await audiences.add_field(
            write,
            call.account_id,
            which,
            tag=tag,
            label=label,
            type=kind,
            required=required,
            visible=visible,
            default_value=default or None,
        )
    return done("Custom field created")


async def _all(call: Call) -> Response:
    call.require(Scope.READ)
    listed: list[dict[str, Any]] = []
    after = 0
    async with call.reading() as read:
        while page := await audiences.list_after(read, call.account_id, after_id=after, limit=_PAGE):
            listed.extend(_written(one) for one in page)
            after = page[-1].id
    return json_answer(listed)


async def _one(call: Call, which: str) -> Response:
    async with call.reading() as read:
        audience = await audiences.get(read, call.account_id, which)
        call.require(Scope.READ)
        fields = await audiences.fields(read, call.account_id, audience.id)
        counts = (await audiences.statistics_of(read, call.account_id, [audience]))[audience.id]
    information = {name: audience.contact_information.get(name) for name in CONTACT_INFORMATION}
    return json_answer(
        {
            "audience": {**_written(audience), "fields": [_EMAIL_FIELD, *map(_field, fields)]},
            "contact_information": information,
            "statistics": {
                "contact_count": counts.total,
                "subscribe_rate": rate(counts.subscribed, counts.total),
                "unsubscribe_rate": rate(counts.unsubscribed, counts.total),
                "subscribe_count": counts.subscribed,
                "unsubscribe_count": counts.unsubscribed,
            },
        }
    )


def _written(audience: Audience) -> dict[str, Any]:
    return {
        "id": audience.id,
        "uid": uid(Noun.AUDIENCE, audience.id),
        "name": audience.name,
        "default_subject": audience.default_subject,
        "from_email": audience.from_email,
        "from_name": audience.from_name,
        "created_at": moment(audience.created_at),
        "updated_at": moment(audience.updated_at or audience.created_at),
    }


def _field(field: AudienceField) -> dict[str, Any]:
    return {
        "label": field.label,
        "type": field.type,
        "tag": field.tag,
        "visible": field.visible,
        "required": field.required,
    }
