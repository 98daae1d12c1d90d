"""Postbacks as what `workers.sender` calls."""

from collections.abc import Sequence
from http import HTTPStatus

from app.core import postbacks
from app.core.postbacks import Due, Result
from app.db.sql import Connection
from app.outbound import Endpoints
from app.outbound.client import Answer, Client
from app.settings import Postbacks


class PostbackCalls:
    """Calls of the three URLs of an account (docs/postbacks.md)."""

    name = "postbacks"

    def __init__(self, settings: Postbacks) -> None:
        """Take the time-out and how often a call is tried again."""
        self.timeout_seconds: float = settings.timeout_seconds
        self._retries = settings.retries

    async def claim(
        self, connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float
    ) -> Sequence[Due]:
        """Take calls that are due."""
        return await postbacks.claim(connection, endpoints, limit=limit, lease_seconds=lease_seconds)

    def endpoint_of(self, due: Due) -> str:
        """Return scheme, host and port."""
        return due.endpoint

    async def call(self, client: Client, due: Due) -> Answer:
        """Call the URL by GET.

        Raises:
            OutboundError: There was no answer.
        """
        return await client.get(due.url, timeout_seconds=self.timeout_seconds)

    def result(self, due: Due, status: int | None, error: str) -> Result:
        """Return how it ended; a redirect is a success."""
        if status is not None and not HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
            error = f"HTTP status {status}"
        return Result(due, error)

    async def record(self, connection: Connection, results: Sequence[Result]) -> tuple[int, Sequence[str]]:
        """Record how calls ended; return how many failed, and of those that were given up a sentence each."""
        given_up = await postbacks.record(connection, results, retries=self._retries)
        return sum(bool(result.error) for result in results), [
            f"postback given up: account {one.due.account_id}, event {one.due.event_id}, {one.due.kind}"
            f" at {one.due.endpoint}: {one.error}"
            for one in given_up
        ]
