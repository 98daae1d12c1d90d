"""`/webhooks`: where an account wants to be told of events. Source: docs/contract/native.md, 15; docs/webhooks.md."""

from fastapi import Response

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import given
from app.api.native.ids import Id, which
from app.api.native.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor_after, key_of, page_of
from app.api.native.routing import native_router
from app.api.native.webhook_bodies import (
    SecretWebhookOut,
    WebhookDeliveryOut,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    delivery_members,
    webhook_members,
)
from app.core import webhooks
from app.core.webhooks import DeliveryStatus, Rules
from app.dependencies import Read, Runtime, RuntimeDep, Write
from app.kit.uids import Noun, uuid

router = native_router("/webhooks", "Webhooks")


@router.get("")
async def list_webhooks(
    caller: Reader, read: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Page[WebhookOut]:
    """List webhooks by creation."""
    rows = await webhooks.list_webhooks(read, caller.account_id, after_id=key_of(cursor), limit=limit + 1)
    page = page_of(rows, limit, lambda row: cursor_after(row.id), webhook_members)
    return Page[WebhookOut].model_validate(page)


@router.post("", status_code=201)
async def make_webhook(
    body: WebhookIn, caller: Writer, write: Write, runtime: RuntimeDep, response: Response
) -> SecretWebhookOut:
    """Make a webhook; what happens from now on is told. The answer alone shows its secret."""
    row, secret = await webhooks.create(
        write,
        caller.account_id,
        rules=_rules(runtime),
        url=body.url,
        event_types=body.event_types,
        description=body.description,
    )
    response.headers["Location"] = f"/api/trireme/v1/webhooks/{uuid(Noun.WEBHOOK, row.id)}"
    return SecretWebhookOut.model_validate({**webhook_members(row), "secret": secret})


@router.get("/{id}")
async def show_webhook(id: Id, caller: Reader, read: Read) -> WebhookOut:
    """Show a webhook."""
    return WebhookOut.model_validate(webhook_members(await webhooks.get(read, caller.account_id, which(id))))


@router.patch("/{id}")
async def change_webhook(
    id: Id,
    body: WebhookPatch,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
) -> WebhookOut:
    """Change a webhook; `status` `active` begins anew without a failure, `disabled` gives up what waits."""
    row = await webhooks.change(write, caller.account_id, which(id), given(body), rules=_rules(runtime))
    return WebhookOut.model_validate(webhook_members(row))


@router.delete("/{id}", status_code=204)
async def delete_webhook(id: Id, caller: Writer, write: Write) -> None:
    """Delete a webhook; what waits for it is given up."""
    await webhooks.remove(write, caller.account_id, which(id))


@router.post("/{id}/rotate-secret")
async def rotate_secret(
    id: Id,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
) -> SecretWebhookOut:
    """Make a new secret; the old one signs beside it for 24 hours. The answer alone shows it."""
    row, secret = await webhooks.rotate_secret(
        write, caller.account_id, which(id), rules=_rules(runtime), now=runtime.clock.now()
    )
    return SecretWebhookOut.model_validate({**webhook_members(row), "secret": secret})


@router.post("/{id}/test", status_code=202)
async def test_webhook(
    id: Id,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
) -> WebhookDeliveryOut:
    """Send a sample event of the first type that the webhook asks for; its data have `"sample": true`.

    Raises:
        Conflict: The webhook is disabled.
    """
    delivery = await webhooks.test(write, caller.account_id, which(id), now=runtime.clock.now())
    return WebhookDeliveryOut.model_validate(delivery_members(delivery))


@router.get("/{id}/deliveries")
async def list_deliveries(
    id: Id,
    caller: Reader,
    read: Read,
    *,
    status: DeliveryStatus | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[WebhookDeliveryOut]:
    """List what a webhook was told or is to be told, newest first; kept for 30 days."""
    webhook = await webhooks.get(read, caller.account_id, which(id))
    rows = await webhooks.list_deliveries(read, webhook, status=status, before_id=key_of(cursor), limit=limit + 1)
    page = page_of(rows, limit, lambda row: cursor_after(row.id), delivery_members)
    return Page[WebhookDeliveryOut].model_validate(page)


@router.post("/{id}/deliveries/{delivery_id}/retry", status_code=202)
async def retry(id: Id, delivery_id: Id, caller: Writer, write: Write) -> WebhookDeliveryOut:
    """Send an event again at once, with all its tries and the same `webhook-id`, whatever came of it.

    Raises:
        Conflict: The webhook is disabled.
    """
    webhook = await webhooks.get(write, caller.account_id, which(id))
    delivery = await webhooks.retry(write, webhook, which(delivery_id))
    return WebhookDeliveryOut.model_validate(delivery_members(delivery))


def _rules(runtime: Runtime) -> Rules:
    return Rules(runtime.vault, anywhere=runtime.settings.outbound.allow_private_networks)
