"""Bodies on their way in: every family reads them within a size and a time, and refuses in its own words.

Knows no family. Imports Starlette alone.
"""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

READ_SECONDS = 120.0
"""How long a body may take to arrive, in seconds."""
Refusal = Callable[[], Exception]
"""Makes what is raised."""


def bounded(receive: Receive, *, limit: int, too_large: Refusal, too_slow: Refusal) -> Receive:
    """Return a receiver that ends a body which is too large or takes too long.

    Args:
        receive: Of the request.
        limit: Largest body, in bytes.
        too_large: What it raises beyond that.
        too_slow: What it raises when the body is not complete in time, counted from now on.
    """
    ends = asyncio.get_running_loop().time() + READ_SECONDS
    taken = 0

    async def receive_bounded() -> Message:
        nonlocal taken
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise too_slow() from None
        taken += len(message.get("body", b""))
        if taken > limit:
            raise too_large()
        return message

    return receive_bounded


async def read_body(receive: Receive, *, limit: int, too_large: Refusal, too_slow: Refusal) -> bytes:
    """Return a whole body; the arguments are those of `bounded`.

    Raises:
        ClientDisconnect: The client hung up before the body was complete.
    """
    receive = bounded(receive, limit=limit, too_large=too_large, too_slow=too_slow)
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
