"""Webhooks: telling customers by signed HTTP of whatever happens. Owns `webhooks` and `webhook_deliveries`.

    service      the verbs on webhooks: create, change, rotate_secret, test, remove
    deliveries   what a webhook was told, listed and sent again
    queue        the table of deliveries: put in, claimed, recorded, tidied up
    payload      what is said: the body of an event
    signing      what proves that we said it: pure
    telling      which events are written to the outbox for webhooks alone

The calls themselves are made by `workers.sender`, through `app.outbound`. Source: docs/contract/native.md, 15.
"""

from app.core.webhooks.deliveries import Delivery, list_deliveries, retry
from app.core.webhooks.payload import compose
from app.core.webhooks.queue import claim, endpoint_of, enqueue, record, tidy
from app.core.webhooks.service import Rules, change, create, get, list_webhooks, remove, rotate_secret, test
from app.core.webhooks.signing import headers
from app.core.webhooks.values import Due, Result
from app.models.webhook import Webhook, WebhookStatus
from app.models.webhook_delivery import DeliveryStatus

__all__ = [
    "Delivery",
    "DeliveryStatus",
    "Due",
    "Result",
    "Rules",
    "Webhook",
    "WebhookStatus",
    "change",
    "claim",
    "compose",
    "create",
    "endpoint_of",
    "enqueue",
    "get",
    "headers",
    "list_deliveries",
    "list_webhooks",
    "record",
    "remove",
    "retry",
    "rotate_secret",
    "test",
    "tidy",
]
