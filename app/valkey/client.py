"""A client of Valkey or Redis in which every wait has an end. May import `redis`; knows no setting."""

from urllib.parse import parse_qs

from redis.asyncio import BlockingConnectionPool, Redis

CONNECT_SECONDS = 0.5
"""How long connecting may take."""
MAX_CONNECTIONS = 2
"""Connections of one client, unless it asks for more; who finds them all in use waits as long as for an answer."""


def connect(url: str, *, reply_seconds: float, max_connections: int = MAX_CONNECTIONS) -> Redis:
    """Return a client; it connects with its first command, and again after a failure.

    Args:
        url: As Celery takes it: redis://, rediss://, unix:// or redis+socket:// with `virtual_host` for the database.
        reply_seconds: How long an answer may take.
        max_connections: Of this client.

    Raises:
        ValueError: The URL is not of these forms.
    """
    pool = BlockingConnectionPool.from_url(
        client_url(url),
        max_connections=max_connections,
        timeout=reply_seconds,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=reply_seconds,
    )
    return Redis.from_pool(pool)


def client_url(url: str) -> str:
    """Return a broker's URL as the client takes it: redis+socket:// is unix:// there, and `virtual_host` is `db`."""
    if not url.startswith("redis+socket://"):
        return url
    path, _, query = url.removeprefix("redis+socket://").partition("?")
    database = parse_qs(query).get("virtual_host", ["0"])[0].strip("/")
    return f"unix://{path}?db={database or 0}"
