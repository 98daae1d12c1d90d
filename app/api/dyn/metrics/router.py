"""Dyn Metrics: the route table. Source: docs/contract/dyn-metrics.md.

What is not here, but belongs to this family by its first part, is answered with its 404.
"""

from typing import Any

from fastapi import APIRouter, Depends

from app.api.dyn.metrics import emails
from app.api.dyn.metrics.envelope import arrived

router = APIRouter(redirect_slashes=False, dependencies=[Depends(arrived)], tags=["Dyn Metrics"])

_SCOPE = [("start_time", True), ("end_time", True), ("user_id", False), ("sender", False), ("sender_id", False)]
_LIST = [*_SCOPE, ("offset", False), ("domain", False), ("local", False), ("recipient", False)]
_COUNTS = [*_SCOPE, ("rollup_to", False), ("timeseries", False)]


def _described(parameters: list[tuple[str, bool]]) -> dict[str, Any]:
    return {
        "parameters": [
            {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}
            for name, required in parameters
        ]
    }


for path, endpoint, parameters in (
    ("/emails", emails.emails, [*_LIST, ("delivered", False)]),
    ("/email/counts", emails.email_counts, _COUNTS),
    ("/emails/counts", emails.email_counts, _COUNTS),
):
    router.add_api_route(path, endpoint, methods=["GET"], openapi_extra=_described(parameters))
    router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
