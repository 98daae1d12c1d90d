"""Dyn Metrics: the route table. Source: docs/contract/dyn-metrics.md.

What is not here, but belongs to this family by its first part, is answered with its 404.
"""

import re
from typing import Any

from fastapi import APIRouter, Depends

from app.api.dyn.metrics import blocked_emails, bounces, emails
from app.api.dyn.metrics.envelope import arrived

router = APIRouter(redirect_slashes=False, dependencies=[Depends(arrived)], tags=["Dyn Metrics"])

_ENVELOPE = [("envelope", False)]
_SCOPE = [("start_time", True), ("end_time", True), ("user_id", False), ("sender", False), ("sender_id", False)]
_RECIPIENT = [("domain", False), ("local", False), ("recipient", False)]
_LIST = [*_SCOPE, *_ENVELOPE, ("offset", False), ("xheaders", False), *_RECIPIENT]
_COUNTS = [*_SCOPE, *_ENVELOPE, ("rollup_to", False), ("timeseries", False)]
_BOUNCES = [*_LIST, ("bounce_type", False), ("bounce_category", False)]
_BOUNCE_COUNTS = [*_COUNTS, ("bounce_type", False)]
_BLOCKED = [*_LIST, ("blocked_reason", False)]
_BLOCKED_COUNTS = [*_COUNTS, ("blocked_reason", False)]


def _described(path: str, parameters: list[tuple[str, bool]]) -> dict[str, Any]:
    given = [("path", name, True) for name in re.findall(r"{(\w+)", path)]
    given += [("query", name, required) for name, required in parameters]
    return {
        "parameters": [
            {"name": name, "in": place, "required": required, "schema": {"type": "string"}}
            for place, name, required in given
        ]
    }


for path, endpoint, parameters in (
    ("/bounces", bounces.bounces, _BOUNCES),
    ("/bounce/counts", bounces.bounce_counts, _BOUNCE_COUNTS),
    ("/bounces/counts", bounces.bounce_counts, _BOUNCE_COUNTS),
    ("/bounce/categories", bounces.bounce_categories, _ENVELOPE),
    ("/bounces/categories", bounces.bounce_categories, _ENVELOPE),
    ("/bounce/{user_id}/{sender_id}/{bounce_time}/{email_id:path}", bounces.bounce, _ENVELOPE),
    ("/emails", emails.emails, [*_LIST, ("delivered", False)]),
    ("/email/counts", emails.email_counts, _COUNTS),
    ("/emails/counts", emails.email_counts, _COUNTS),
    ("/blocked-emails", blocked_emails.blocked_emails, _BLOCKED),
    ("/blocked-email/counts", blocked_emails.blocked_email_counts, _BLOCKED_COUNTS),
    ("/blocked-emails/counts", blocked_emails.blocked_email_counts, _BLOCKED_COUNTS),
    ("/blocked-email/reasons", blocked_emails.blocked_email_reasons, _ENVELOPE),
    ("/blocked-emails/reasons", blocked_emails.blocked_email_reasons, _ENVELOPE),
    ("/blocked/reasons", blocked_emails.blocked_email_reasons, _ENVELOPE),
):
    router.add_api_route(path, endpoint, methods=["GET"], openapi_extra=_described(path, parameters))
    router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
