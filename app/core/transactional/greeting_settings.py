"""The templates an audience writes with, when they are chosen. Uses the front door of templates, kit, core errors.

Source: docs/contract/native.md, 5.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core import templates
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.db.unit_of_work import ReadSession

CONFIRM_LINK = "SUBSCRIBE_CONFIRM_URL"
TEMPLATES = ("confirmation_template_id", "welcome_template_id")
"""Settings of an audience that name a template."""


async def checked_settings(
    read: ReadSession, account_id: int, settings: Mapping[str, int | str | UUID | bool | None]
) -> dict[str, Any]:
    """Return settings of an audience with the ids of the templates they name; others as they are.

    Raises:
        Invalid: The account has no such template, or it is to confirm a subscription and lacks the link for it.
    """
    checked: dict[str, Any] = dict(settings)
    for name in TEMPLATES:
        which = checked.get(name)
        if which is None:
            continue
        try:
            template = await templates.get(read, account_id, which)
        except NotFound:
            raise Invalid([FieldFault(f"settings.{name}", Fault.NOT_FOUND, "is not a template")]) from None
        if name == TEMPLATES[0] and CONFIRM_LINK not in template.html + (template.text or ""):
            raise Invalid([FieldFault(f"settings.{name}", Fault.INVALID, f"must contain {{{CONFIRM_LINK}}}")])
        checked[name] = template.id
    return checked
