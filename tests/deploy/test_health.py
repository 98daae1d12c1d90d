"""`trireme health` against a listener that is there, one that is not ready, and none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.cli import health
from app.kit.ports import free_ports

READY = b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"status":"ready"}'
UNREADY = b'HTTP/1.1 503 No\r\nContent-Length: 32\r\n\r\n{"checks": {"database": "down"}}'


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Answer one connection with those bytes; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)
                connection.settimeout(10)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("TRIREME_CONFIG", raising=False)
    monkeypatch.setenv("TRIREME_PUBLIC_URL", "http://localhost")
    monkeypatch.setenv("TRIREME_SECRET_KEYS", "k" * 32)
    monkeypatch.setenv("TRIREME_BOUNCE_DOMAIN", "bounces.localhost.test")
    monkeypatch.setenv("TRIREME_DATABASE_URL", "postgresql+asyncpg://nobody@localhost/none")
    monkeypatch.setenv("TRIREME_BROKER_URL", "redis://localhost/0")
    monkeypatch.setenv("TRIREME_API_HOST", "0.0.0.0")
    monkeypatch.setenv("TRIREME_SANDBOX_HOST", "0.0.0.0")
    return monkeypatch


def test_a_ready_api_is_healthy(environment: pytest.MonkeyPatch) -> None:
    with answering(READY) as port:
        environment.setenv("TRIREME_API_PORT", str(port))
        assert health.run("api") == 0


def test_an_unready_api_says_what_is_wrong(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(UNREADY) as port:
        environment.setenv("TRIREME_API_PORT", str(port))
        assert health.run("api") == 1
    assert "database" in capsys.readouterr().err


def test_a_greeting_sandbox_is_healthy(environment: pytest.MonkeyPatch) -> None:
    with answering(b"220 sandbox ready\r\n") as port:
        environment.setenv("TRIREME_SANDBOX_PORT", str(port))
        assert health.run("sandbox") == 0


def test_a_refusing_sandbox_is_not(environment: pytest.MonkeyPatch) -> None:
    with answering(b"421 4.7.0 too many connections\r\n") as port:
        environment.setenv("TRIREME_SANDBOX_PORT", str(port))
        assert health.run("sandbox") == 1


@pytest.mark.parametrize("part", sorted(health.CHECKS))
def test_nobody_listening_is_not(
    environment: pytest.MonkeyPatch, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(f"TRIREME_{part.upper()}_PORT", str(free_ports(1)[0]))
    assert health.run(part) == 1
    assert f"{part} does not answer" in capsys.readouterr().err


def test_missing_settings_are_named(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.delenv("TRIREME_SECRET_KEYS")
    assert health.run("api") == 1
    assert "TRIREME_SECRET_KEYS" in capsys.readouterr().err
