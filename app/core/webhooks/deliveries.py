"""What a webhook was told, for 30 days. Imports models and kit."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.errors import Conflict, NotFound
from app.core.webhooks.values import event_of, id_shown
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.webhook import Webhook, WebhookStatus
from app.models.webhook_delivery import DeliveryStatus, WebhookDelivery


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook.

    Attributes:
        id: Of the row.
        event_id: Public id of the event, as `GET /events` has it.
        event_type: Its type.
        status: Where it stands.
        tries: Tries that have ended.
        last_status_code: HTTP status of the last one; None without an answer.
        last_error: Why the last one failed; "" before, and after a success.
        next_try_at: When it is tried again; None when it is not.
        created_at: When it was put in.
        delivered_at: When it was taken.
    """

    id: int
    event_id: UUID
    event_type: str
    status: DeliveryStatus
    tries: int
    last_status_code: int | None
    last_error: str
    next_try_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None


async def list_deliveries(
    read: ReadSession,
    webhook: Webhook,
    *,
    status: DeliveryStatus | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Delivery]:
    """List the deliveries of a webhook, newest first.

    Args:
        read: The transaction.
        webhook: Of `get`.
        status: Only these.
        before_id: The last one that was shown.
        limit: Most deliveries.
    """
    query = select(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.account_id == webhook.account_id
    )
    if status is not None:
        query = query.where(WebhookDelivery.status == status.value)
    if before_id is not None:
        query = query.where(WebhookDelivery.id < before_id)
    rows = (await read.execute(query.order_by(WebhookDelivery.id.desc()).limit(limit))).scalars()
    return [delivery(row) for row in rows]


async def retry(write: WriteSession, webhook: Webhook, which: int | str | UUID) -> Delivery:
    """Send a delivery again at once, with all its tries and under the same `webhook-id`, whatever came of it.

    Raises:
        NotFound: The webhook has no such delivery.
        Conflict: The webhook is disabled.
    """
    number = number_of(Noun.DELIVERY, which)
    query = select(WebhookDelivery).where(WebhookDelivery.id == number, WebhookDelivery.webhook_id == webhook.id)
    row = (await write.execute(query.with_for_update())).scalar_one_or_none() if number is not None else None
    if row is None:
        raise NotFound("no such delivery")
    if webhook.status != WebhookStatus.ACTIVE:
        raise Conflict("the webhook is disabled", state=webhook.status)
    row.status, row.attempts, row.delivered_at = DeliveryStatus.WAITING, 0, None
    row.due_at = func.now()
    await write.flush()
    await write.refresh(row)
    return delivery(row)


def delivery(row: WebhookDelivery) -> Delivery:
    """Return a row as its account sees it."""
    waits = row.status == DeliveryStatus.WAITING
    return Delivery(
        id=row.id,
        event_id=id_shown(event_of(row.event_source, row.event_copy, row.event_row), row.event_id),
        event_type=row.event_type,
        status=DeliveryStatus(row.status),
        tries=row.attempts,
        last_status_code=row.last_status,
        last_error=row.last_error,
        next_try_at=row.due_at if waits else None,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
    )
