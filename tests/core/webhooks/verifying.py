"""A receiver's side, written from the Standard Webhooks specification and not from our code."""

import base64
import hmac
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Received:
    """One request of a webhook.

    Attributes:
        id: `webhook-id`.
        timestamp: `webhook-timestamp`.
        signatures: Each of `webhook-signature`.
        body: As it came.
    """

    id: str
    timestamp: int
    signatures: tuple[str, ...]
    body: bytes

    @classmethod
    def of(cls, head: bytes, body: bytes) -> "Received":
        lines = [line.partition(":") for line in head.decode("ascii").split("\r\n")[1:] if line]
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        assert headers["content-type"] == "application/json"
        signatures = tuple(headers["webhook-signature"].split(" "))
        return cls(headers["webhook-id"], int(headers["webhook-timestamp"]), signatures, body)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def is_signed(self, secret: str) -> bool:
        key = base64.b64decode(secret.split("_", 1)[1], validate=True)
        content = b".".join([self.id.encode(), str(self.timestamp).encode(), self.body])
        expected = base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()
        return any(hmac.compare_digest(f"v1,{expected}", one) for one in self.signatures)
