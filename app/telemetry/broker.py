"""Whether the broker answers. May import `app.settings`; nothing here carries a message."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

PING_SECONDS = 1.0
"""How long the broker may take to answer."""


async def broker_answers(url: str) -> bool:
    """Tell whether Valkey or Redis answers a PING within a second.

    Args:
        url: The setting `broker_url`, as Celery takes it: redis://, rediss:// or redis+socket://.
    """
    client_url = url.replace("redis+socket://", "unix://", 1).partition("?")[0]
    try:
        async with asyncio.timeout(PING_SECONDS), Redis.from_url(client_url) as client:
            return bool(await client.ping())
    except (RedisError, OSError, TimeoutError, ValueError):
        return False
