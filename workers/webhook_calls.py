"""Webhooks as what `workers.sender` calls. Source: docs/contract/native.md, 15."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import webhooks
from app.core.webhooks import Due, Result
from app.db.sql import Connection
from app.db.unit_of_work import reading
from app.kit.secrets import SecretUnreadable, Vault
from app.outbound import Endpoints, Failed
from app.outbound.client import Answer, Client
from app.settings import Settings

TIMEOUT_SECONDS = 15.0
GONE = "the event is not there any more"
"""Said of what can't be sent any more."""


class EventGone(Failed):
    """What a delivery tells of is not there any more."""


class WebhookCalls:
    """Deliveries of events, signed (docs/webhooks.md)."""

    name = "webhooks"
    timeout_seconds = TIMEOUT_SECONDS

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        """Take what bodies and signatures are made with.

        Args:
            engine: Of the process; events are read on it.
            settings: `node_name` and `secret_keys`.
        """
        self._engine = engine
        self._node_name = settings.node_name
        self._vault = Vault(settings.secret_keys)

    async def claim(
        self, connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float
    ) -> Sequence[Due]:
        """Take deliveries that are due, with what they say."""
        claimed = await webhooks.claim(connection, endpoints, limit=limit, lease_seconds=lease_seconds)
        if not claimed:
            return claimed
        async with reading(self._engine) as read:
            return await webhooks.compose(read, claimed, self._node_name)

    def endpoint_of(self, due: Due) -> str:
        """Return the webhook: each has room of its own."""
        return webhooks.endpoint_of(due.webhook_id)

    async def call(self, client: Client, due: Due) -> Answer:
        """Post the event, signed.

        Raises:
            EventGone: There is nothing to say.
            Failed: There was no answer, or the secret cannot be read.
            Refused: The URL may not be called.
        """
        if not due.body:
            raise EventGone(GONE)
        try:
            keys = [self._vault.open(sealed) for sealed in due.secrets]
        except SecretUnreadable:
            raise Failed("the webhook's secret is sealed under a key that is not configured") from None
        headers = webhooks.headers(due.event_id, due.body, keys, datetime.now(UTC))
        return await client.post(due.url, due.body, headers=headers, timeout_seconds=self.timeout_seconds)

    def result(self, due: Due, status: int | None, error: str) -> Result:
        """Return how it ended: only 2xx is a success."""
        if status is not None and not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            error = f"HTTP status {status}"
        gone = status == HTTPStatus.GONE
        return Result(due, status, error, final=gone or error == GONE, gone=gone)

    async def record(self, connection: Connection, results: Sequence[Result]) -> tuple[int, Sequence[str]]:
        """Record how tries ended; return how many failed, and of those that were given up a sentence each."""
        given_up = await webhooks.record(connection, results)
        return sum(bool(result.error) for result in results), [
            f"webhook delivery given up: account {one.due.account_id}, webhook {one.due.webhook_id},"
            f" event {one.due.event_id}: {one.error}"
            for one in given_up
        ]
