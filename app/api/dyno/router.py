"""Dyno Email Marketing: its route table. Source: docs/contract/dyno.md.

What is not in it is answered by `errors.UNKNOWN_ROUTE`.
"""

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.dyno import campaign_process, campaigns, lists, templates, transactions
from app.api.dyno.bodies import described
from app.api.dyno.objects import FIND_AND_COUNT

_NOT_FOUND = 404


async def _an_id(request: Request) -> None:
    """Tell the paths of find and count, which other verbs do not have, from those of objects.

    Raises:
        HTTPException: It is one of theirs.
    """
    if request.path_params["id"] in FIND_AND_COUNT:
        raise HTTPException(_NOT_FOUND)


_CONTROLS = ("application_fields", "application_limit", "application_offset", "application_order_by",
             "application_order_direction")  # fmt: skip

router = APIRouter(redirect_slashes=False, tags=["Dyno Email Marketing"])
for noun, module, parameters in (
    ("templates", templates, ("name", "subject", "content", "preview_message")),
    ("lists", lists, ("name", "description", "subscribers")),
    ("campaigns", campaigns, ("name", "template_id", "list_id", "list_ids", "subject", "from_name", "from_email",
                              "preview_message", "email_content", "time_zone", "iso_start_time")),
):  # fmt: skip
    body, question, an_id = described(*parameters), described(*_CONTROLS), [Depends(_an_id)]
    router.add_api_route(f"/{noun}", module.create, methods=["POST"], openapi_extra=body)
    router.add_api_route(f"/{noun}/find", module.find_all, methods=["POST"], openapi_extra=question)
    router.add_api_route(f"/{noun}/count", module.count, methods=["POST"], openapi_extra=question)
    router.add_api_route(f"/{noun}/{{id}}", module.show, methods=["GET"], dependencies=an_id)
    router.add_api_route(f"/{noun}/{{id}}", module.change, methods=["PUT"], dependencies=an_id, openapi_extra=body)
    router.add_api_route(f"/{noun}/{{id}}", module.delete, methods=["DELETE"], dependencies=an_id)
router.include_router(campaign_process.router)
router.include_router(transactions.router)
