"""What `/webhooks` takes and shows. Source: docs/contract/native.md, 15."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.native.bodies import Body
from app.api.native.times import Time
from app.core.webhooks import Delivery, DeliveryStatus, Webhook, WebhookStatus
from app.kit.uids import Noun, uuid

MAX_TYPES = 100
MAX_TYPE = 100
MAX_TEXT = 10_000
EXAMPLE: dict[str, Any] = {
    "id": "5b0d7c3a-91b2-8c4e-a1d0-2b7e151628ae",
    "url": "https://hooks.example.com/trireme",
    "event_types": ["email.bounced", "email.complained"],
    "status": "active",
    "description": "",
    "failing_since": None,
    "created_at": "2026-01-05T09:00:00.000Z",
    "updated_at": "2026-01-05T09:00:00.000Z",
}
_Types = Annotated[
    list[Annotated[str, Field(max_length=MAX_TYPE)]],
    Field(max_length=MAX_TYPES, description="Names of events, `email.*` and the like, or `*`."),
]
_Text = Annotated[str, Field(max_length=MAX_TEXT)]


class WebhookOut(BaseModel):
    """A webhook, without its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    url: str
    event_types: list[str]
    status: WebhookStatus
    description: str
    failing_since: Time | None
    created_at: Time
    updated_at: Time


class SecretWebhookOut(WebhookOut):
    """A webhook with the secret that signs: nobody can show it again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [EXAMPLE | {"secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}]}
    )

    secret: str


class WebhookIn(Body):
    """A webhook to be made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://hooks.example.com/trireme", "event_types": ["email.bounced"]}]}
    )

    url: _Text
    event_types: _Types
    description: _Text = ""


class WebhookPatch(Body):
    """What can change of a webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"event_types": ["email.*"]}]})

    url: _Text = ""
    event_types: _Types | None = None
    description: _Text | None = None
    status: WebhookStatus = WebhookStatus.ACTIVE


class WebhookDeliveryOut(BaseModel):
    """One event for one webhook."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "7c1d7c3a-91b2-8c4e-a1d0-2b7e151628ae",
                    "event_id": "5f0d7c3a-91b2-8c4e-a1d0-2b7e151628ae",
                    "event_type": "email.bounced",
                    "status": "waiting",
                    "tries": 1,
                    "last_status_code": 503,
                    "last_error": "HTTP status 503",
                    "next_try_at": "2026-01-05T09:00:05.000Z",
                    "created_at": "2026-01-05T09:00:00.000Z",
                    "delivered_at": None,
                }
            ]
        }
    )

    id: UUID
    event_id: UUID = Field(description="As `GET /events` shows it; `webhook-id` is `evt_` and this.")
    event_type: str
    status: DeliveryStatus
    tries: int
    last_status_code: int | None
    last_error: str
    next_try_at: Time | None
    created_at: Time
    delivered_at: Time | None


def webhook_members(row: Webhook) -> dict[str, Any]:
    """Return a webhook as `WebhookOut` has it."""
    return {
        "id": uuid(Noun.WEBHOOK, row.id),
        "url": row.url,
        "event_types": row.event_types,
        "status": row.status,
        "description": row.description,
        "failing_since": row.failing_since,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def delivery_members(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as `WebhookDeliveryOut` has it."""
    return {
        "id": uuid(Noun.DELIVERY, delivery.id),
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "status": delivery.status,
        "tries": delivery.tries,
        "last_status_code": delivery.last_status_code,
        "last_error": delivery.last_error,
        "next_try_at": delivery.next_try_at,
        "created_at": delivery.created_at,
        "delivered_at": delivery.delivered_at,
    }
