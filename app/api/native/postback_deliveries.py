"""`/postback-deliveries`: the calls that tell of bounces, complaints and unsubscriptions.

Source: docs/contract/native.md, 15, "Postbacks"; docs/postbacks.md.
"""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.api.native.auth import Reader, Writer
from app.api.native.email_names import shown_email_id
from app.api.native.ids import Id, which
from app.api.native.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor_after, key_of, page_of
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import postbacks
from app.core.errors import NotFound
from app.core.postbacks import Delivery, DeliveryStatus, PostbackKind
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, number_of, uuid
from app.settings import Settings

router = native_router("/postback-deliveries", "Webhooks")


class PostbackDeliveryOut(BaseModel):
    """One call that is still to be made, or was given up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "6a5bb7a3-8e07-8d6a-9e7a-2b7e151628ae",
                    "kind": "bounce",
                    "url": "https://hooks.example.com/b?e=jo@example.org",
                    "email_id": "20260105090000.0000125a8749@mail-1",
                    "status": "waiting",
                    "tries": 1,
                    "last_status_code": 503,
                    "last_error": "HTTP status 503",
                    "next_try_at": "2026-01-05T09:01:00.000Z",
                    "created_at": "2026-01-05T09:00:00.000Z",
                }
            ]
        }
    )

    id: UUID
    kind: PostbackKind
    url: str
    email_id: str
    status: DeliveryStatus
    tries: int
    last_status_code: int | None
    last_error: str
    next_try_at: Time | None
    created_at: Time


@router.get("")
async def list_deliveries(
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    *,
    kind: PostbackKind | None = None,
    status: DeliveryStatus | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[PostbackDeliveryOut]:
    """List calls that are still to be made and calls that were given up, newest first."""
    found = await postbacks.list_deliveries(
        read, caller.account_id, kind=kind, status=status, before_id=key_of(cursor), limit=limit + 1
    )
    page = page_of(found, limit, lambda one: cursor_after(one.id), lambda one: _shown(runtime.settings, one))
    return Page[PostbackDeliveryOut].model_validate(page)


@router.post("/{id}/retry", status_code=202)
async def retry(id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> PostbackDeliveryOut:
    """Make a call again at once, with all its tries.

    Raises:
        NotFound: There is none of this id, or it has succeeded.
    """
    number = number_of(Noun.DELIVERY, which(id))
    if number is None:
        raise NotFound("no such delivery")
    found = await postbacks.retry(write, caller.account_id, number)
    return PostbackDeliveryOut.model_validate(_shown(runtime.settings, found))


def _shown(settings: Settings, delivery: Delivery) -> dict[str, Any]:
    return {
        "id": uuid(Noun.DELIVERY, delivery.id),
        "kind": delivery.kind,
        "url": delivery.url,
        "email_id": shown_email_id(settings, delivery.message_id, delivery.accepted_at, delivery.foreign_id),
        "status": delivery.status,
        "tries": delivery.tries,
        "last_status_code": delivery.last_status_code,
        "last_error": delivery.last_error,
        "next_try_at": delivery.next_try_at,
        "created_at": delivery.created_at,
    }
