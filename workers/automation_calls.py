"""Calls that webhook steps of automations ask for, as what `workers.sender` calls."""

from collections.abc import Sequence
from http import HTTPStatus

from app.core import automations
from app.core.automations import Call, Called
from app.db.sql import Connection
from app.outbound import Endpoints
from app.outbound.client import Answer, Client


class AutomationCalls:
    """Calls by POST; 2xx within 15 s is a success (docs/automations.md)."""

    name = "calls of automations"
    timeout_seconds = 15.0

    async def claim(
        self, connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float
    ) -> Sequence[Call]:
        """Take calls that are due."""
        return await automations.claim_calls(connection, endpoints, limit=limit, lease_seconds=lease_seconds)

    def endpoint_of(self, due: Call) -> str:
        """Return scheme, host and port."""
        return due.endpoint

    async def call(self, client: Client, due: Call) -> Answer:
        """Call the URL by POST.

        Raises:
            OutboundError: There was no answer.
        """
        headers = {"Content-Type": "application/json", "Webhook-Id": due.name}
        return await client.post(due.url, due.body.encode(), headers=headers, timeout_seconds=self.timeout_seconds)

    def result(self, due: Call, status: int | None, error: str) -> Called:
        """Return how it ended; a redirect is no success."""
        if status is not None and not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            error = f"HTTP status {status}"
        return Called(due, error)

    async def record(self, connection: Connection, results: Sequence[Called]) -> tuple[int, Sequence[str]]:
        """Record how calls ended; return how many failed, and of those that were given up a sentence each."""
        given_up = await automations.record_calls(connection, results)
        return sum(bool(result.error) for result in results), [
            f"call of an automation given up: account {one.call.account_id}, run {one.call.run_id}"
            f" at {one.call.endpoint}: {one.error}"
            for one in given_up
        ]
