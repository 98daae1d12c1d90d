"""Postbacks: telling customers by HTTP of bounces, complaints and unsubscriptions. Owns the table `postbacks`.

    rendering    the URL of an event: pure
    service      the table: put in, claim, record, tidy up
    deliveries   the calls as their account sees them

The calls themselves are made by `workers.sender`, through `app.outbound`.
"""

from app.core.postbacks.deliveries import Delivery, DeliveryStatus, list_deliveries, retry
from app.core.postbacks.service import claim, enqueue, record, tidy
from app.core.postbacks.values import Due, Result
from app.models.postback import PostbackKind

__all__ = [
    "Delivery",
    "DeliveryStatus",
    "Due",
    "PostbackKind",
    "Result",
    "claim",
    "enqueue",
    "list_deliveries",
    "record",
    "retry",
    "tidy",
]
