"""The verbs on webhooks. Imports db, kit, `app.outbound`'s rules for URLs and the core's errors.

Every verb takes the account first; a webhook of another account is an unknown one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.events import TYPES
from app.core.extra import is_storable
from app.core.webhooks.deliveries import Delivery, delivery
from app.core.webhooks.payload import sample_of
from app.core.webhooks.signing import new_secret
from app.core.webhooks.telling import clean_types, hold_account, retell
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.ids import uuid7
from app.kit.secrets import Vault
from app.kit.uids import Noun, number_of
from app.models.webhook import Webhook, WebhookStatus
from app.models.webhook_delivery import WebhookDelivery
from app.outbound import Refused, refuse_hopeless

MAX_URL = 2048
MAX_DESCRIPTION = 500
MAX_WEBHOOKS = 50
"""Of one account."""
OLD_SECRETS = 4
"""Secrets of earlier rotations that may sign beside the newest."""
OLD_SECRET_SIGNS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the installation says of webhooks.

    Attributes:
        vault: Seals secrets.
        anywhere: Whether private networks may be called.
    """

    vault: Vault
    anywhere: bool


async def create(
    write: WriteSession,
    account_id: int,
    *,
    rules: Rules,
    url: str,
    event_types: Sequence[str],
    description: str = "",
) -> tuple[Webhook, str]:
    """Make a webhook; what happens from now on is told. Return it with its secret, which nothing shows again.

    Args:
        write: The transaction.
        account_id: Whose.
        rules: Of the installation.
        url: http or https, at most 2048 characters.
        event_types: Names of events, `email.*` and the like, or `*`.
        description: At most 500 characters.

    Raises:
        Invalid: A value cannot be accepted, or the account has 50 webhooks.
    """
    await hold_account(write, account_id)
    secret = new_secret()
    webhook = Webhook(
        account_id=account_id,
        url=_url(url, rules),
        event_types=clean_types(event_types),
        description=_description(description),
        secret=rules.vault.seal(secret),
    )
    have = (await write.execute(select(func.count()).where(Webhook.account_id == account_id))).scalar_one()
    if have >= MAX_WEBHOOKS:
        raise Invalid([FieldFault("url", Fault.INVALID, f"is beyond the {MAX_WEBHOOKS} webhooks of an account")])
    write.add(webhook)
    await retell(write, account_id)
    await write.refresh(webhook)
    return webhook, secret


async def get(read: ReadSession, account_id: int, which: int | str | UUID, *, lock: bool = False) -> Webhook:
    """Return a webhook of an account.

    Raises:
        NotFound: It has none of this id.
    """
    number = number_of(Noun.WEBHOOK, which)
    query = select(Webhook).where(Webhook.id == number, Webhook.account_id == account_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await read.execute(query)).scalar_one_or_none() if number is not None else None
    if found is None:
        raise NotFound("no such webhook")
    return found


async def list_webhooks(
    read: ReadSession, account_id: int, *, after_id: int | None = None, limit: int
) -> Sequence[Webhook]:
    """List webhooks by creation, behind the one that was shown last."""
    query = select(Webhook).where(Webhook.account_id == account_id, Webhook.id > (after_id or 0))
    return (await read.execute(query.order_by(Webhook.id).limit(limit))).scalars().all()


async def change(
    write: WriteSession, account_id: int, which: int | str | UUID, changes: Mapping[str, Any], *, rules: Rules
) -> Webhook:
    """Change `url`, `event_types`, `description` or `status`; what becomes active begins without a failure.

    Raises:
        NotFound: The account has no such webhook.
        Invalid: A value cannot be accepted.
    """
    await hold_account(write, account_id)
    webhook = await get(write, account_id, which, lock=True)
    if "url" in changes:
        webhook.url = _url(changes["url"], rules)
    if "event_types" in changes:
        webhook.event_types = clean_types(changes["event_types"] or ())
    if "description" in changes:
        webhook.description = _description(changes["description"] or "")
    if "status" in changes:
        if changes["status"] == WebhookStatus.ACTIVE and webhook.status != WebhookStatus.ACTIVE:
            webhook.failing_since = None
        webhook.status = WebhookStatus(changes["status"])
    return await _changed(write, webhook)


async def rotate_secret(
    write: WriteSession, account_id: int, which: int | str | UUID, *, rules: Rules, now: datetime
) -> tuple[Webhook, str]:
    """Give a webhook a new secret; the old one signs beside it for 24 hours. Return it, which nothing shows again.

    Args:
        write: The transaction.
        account_id: Whose.
        which: The webhook.
        rules: Of the installation.
        now: From when the 24 hours count.

    Raises:
        NotFound: The account has no such webhook.
    """
    webhook = await get(write, account_id, which, lock=True)
    old = [(webhook.secret, now + OLD_SECRET_SIGNS)]
    old += zip(webhook.old_secrets, webhook.old_secrets_until, strict=True)
    kept = [(sealed, until) for sealed, until in old if until > now][:OLD_SECRETS]
    secret = new_secret()
    webhook.secret = rules.vault.seal(secret)
    webhook.old_secrets = [sealed for sealed, _ in kept]
    webhook.old_secrets_until = [until for _, until in kept]
    return await _changed(write, webhook), secret


async def remove(write: WriteSession, account_id: int, which: int | str | UUID) -> None:
    """Delete a webhook; what waits for it is given up.

    Raises:
        NotFound: The account has no such webhook.
    """
    await hold_account(write, account_id)
    await write.delete(await get(write, account_id, which, lock=True))
    await retell(write, account_id)


async def test(write: WriteSession, account_id: int, which: int | str | UUID, *, now: datetime) -> Delivery:
    """Put in a sample event of the first type that the webhook asks for.

    Raises:
        NotFound: The account has no such webhook.
        Conflict: It is disabled.
    """
    webhook = await get(write, account_id, which)
    if webhook.status != WebhookStatus.ACTIVE:
        raise Conflict("the webhook is disabled", state=webhook.status)
    wanted = webhook.event_types[0].removesuffix("*")
    type_ = next((one for one in ("email.bounced", *TYPES) if one == wanted or one.startswith(wanted)), TYPES[0])
    event_id = uuid7()
    row = (
        await write.execute(
            insert(WebhookDelivery)
            .values(
                webhook_id=webhook.id,
                account_id=account_id,
                event_type=type_,
                event_at=now,
                event_id=event_id,
                sample=sample_of(type_, event_id, now),
                due_at=func.now(),
            )
            .returning(WebhookDelivery)
        )
    ).scalar_one()
    return delivery(row)


async def _changed(write: WriteSession, webhook: Webhook) -> Webhook:
    webhook.updated_at = func.now()
    await retell(write, webhook.account_id)
    await write.refresh(webhook)
    return webhook


def _url(url: str, rules: Rules) -> str:
    if len(url) > MAX_URL:
        raise Invalid([FieldFault("url", Fault.TOO_LONG, f"is longer than {MAX_URL} characters")])
    try:
        refuse_hopeless(url, anywhere=rules.anywhere)
    except Refused as refused:
        raise Invalid([FieldFault("url", Fault.INVALID, f"cannot be called: {refused.reason}")]) from None
    return url


def _description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION or not is_storable(text):
        raise Invalid([FieldFault("description", Fault.TOO_LONG, f"is longer than {MAX_DESCRIPTION} characters")])
    return text
