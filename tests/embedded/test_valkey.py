import os
import signal
import stat
from pathlib import Path

import kombu
import pytest
import redis

from app.embedded.valkey import EmbeddedValkey


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url.replace("redis+socket", "unix"))


def test_data_and_url_survive_a_kill(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    try:
        url = server.start()
        with client(url) as connection:
            connection.set("kept", "42")
        os.kill(server.pid, signal.SIGKILL)
        assert server.start() == url
        with client(url) as connection:
            assert connection.get("kept") == b"42"
            assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        server.stop()
    assert server.poll() is not None


def test_celery_reaches_it_and_strangers_do_not(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, durable=False)
    try:
        url = server.start()
        with kombu.Connection(url) as connection:
            connection.ensure_connection(max_retries=1)
        with redis.Redis(unix_socket_path=url.rpartition("@")[2]) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        assert stat.S_IMODE((tmp_path / "valkey" / "valkey.conf").stat().st_mode) == 0o600
    finally:
        server.stop()
